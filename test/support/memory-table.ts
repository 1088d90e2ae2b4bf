/** A table that lives in memory: what plans make of it, without a kernel. */
import assert from 'node:assert/strict';
import {
  type AddressServiceKey,
  type Change,
  type DesiredService,
  type DesiredState,
  parseDestinationKey,
  parseServiceKey,
  plan,
  type PlanOptions,
  type ServiceDefinition,
  type ServiceState,
} from '../../lib/index.js';

/** A table as snapshots give it, changed as a plan says; what the kernel would refuse is refused. */
class MemoryTable {
  readonly #services = new Map<string, { definition: object; destinations: Map<string, object> }>();

  constructor(state: DesiredState) {
    // What a table holds is complete: so says a plan from nothing.
    for (const change of plan(state, [], { scope: 'everything' })) this.apply(change);
  }

  apply(change: Change): void {
    const { service, destination } = change.key;
    const target =
      destination === undefined ? this.#services : this.#services.get(service)?.destinations;
    assert.ok(target !== undefined, `${service} is not there`);
    const name = destination ?? service;
    const [verb] = change.action.split('-');
    assert.equal(target.has(name), verb !== 'add', `${change.action} ${name}`);
    if (!('to' in change)) {
      if (destination === undefined)
        assert.equal(this.#services.get(service)?.destinations.size, 0);
      target.delete(name);
    } else if (destination === undefined) {
      const destinations = this.#services.get(service)?.destinations ?? new Map<string, object>();
      this.#services.set(service, { definition: change.to, destinations });
    } else {
      target.set(name, change.to);
    }
  }

  get state(): ServiceState[] {
    return [...this.#services].map(([name, { definition, destinations }]) => {
      const list = [...destinations].map(([key, each]) => ({
        ...parseDestinationKey(key),
        ...each,
      }));
      const all: unknown = { ...parseServiceKey(name), ...definition, destinations: list };
      return all as ServiceState;
    });
  }
}

/** What a table becomes by a plan. */
export function applied(from: DesiredState, changes: readonly Change[]): ServiceState[] {
  const model = new MemoryTable(from);
  for (const change of changes) model.apply(change);
  return model.state;
}

/** Tables of these services, as a snapshot gives them. */
export function table(...services: readonly DesiredService[]): ServiceState[] {
  return new MemoryTable(services).state;
}

export const ALL: PlanOptions = { scope: 'everything' };

export const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
export const OTHER = { ...REAL, address: '10.0.1.2' };
export const WEB: AddressServiceKey & ServiceDefinition & Pick<DesiredService, 'destinations'> = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' },
  destinations: [REAL],
};
