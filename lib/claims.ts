/** What a sequence is about: a virtual service as a whole, or one of its destinations. */
export interface Claim {
  readonly service: string;
  readonly destination?: string | undefined;
}

/**
 * What the sequences under way are about, so that no two of them meet: a destination is there only
 * while its service is, hence the service as a whole meets each of its destinations.
 */
export class Claims {
  /** By service, its destinations; undefined is the service as a whole. */
  readonly #claimed = new Map<string, Set<string | undefined>>();

  /** Claims it, unless somebody else has something of it. */
  take({ service, destination }: Claim): boolean {
    const parts = this.#claimed.get(service);
    if (parts === undefined) {
      this.#claimed.set(service, new Set([destination]));
      return true;
    }
    if (destination === undefined || parts.has(undefined) || parts.has(destination)) return false;
    parts.add(destination);
    return true;
  }
}
