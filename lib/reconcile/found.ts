/** Tables as the kernel told them. */
import type { DestinationEntry } from '../model.js';
import { holdsJust } from '../native/compare.js';
import { decodeService } from '../native/decode.js';
import { decodeDestinations, rowTakesPortZero } from '../native/lists.js';
import type { PackedService } from '../sequences/snapshot.js';
import { ServiceRow, type Table } from './table.js';

/** A service as the kernel told it. Of its destinations only what differs is decoded. */
class FoundRow extends ServiceRow {
  readonly #packed: PackedService;
  #listed: readonly DestinationEntry[] | undefined;

  constructor(field: string, packed: PackedService) {
    const { reply, row } = packed.service;
    super(field, { ...decodeService(reply, row) });
    this.#packed = packed;
  }

  override get listed(): readonly DestinationEntry[] {
    const { service, destinations } = this.#packed;
    this.#listed ??= decodeDestinations(destinations, rowTakesPortZero(service));
    return this.#listed;
  }

  override get size(): number {
    return this.#packed.destinations.count;
  }

  override hasJust({ definitions }: ServiceRow): boolean {
    return definitions !== undefined && holdsJust(this.#packed.destinations, definitions);
  }
}

/** The services that were read. */
export function foundTable(services: readonly PackedService[]): Table {
  return new Map(
    services.map((each, index) => {
      const row = new FoundRow(`actual[${index}]`, each);
      return [row.name, row] as const;
    }),
  );
}
