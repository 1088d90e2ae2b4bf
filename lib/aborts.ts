/**
 * What is to be done when signals are aborted. Each signal gets one listener, however many calls it
 * has: Node warns of a leak from the eleventh on.
 */
export class Aborts {
  readonly #acts = new Map<AbortSignal, Set<() => void>>();

  /** Does `act` once `signal` is aborted, unless the returned function is called before. */
  add(signal: AbortSignal, act: () => void): () => void {
    const acts = this.#acts.get(signal) ?? this.#listen(signal);
    acts.add(act);
    return () => {
      acts.delete(act);
      if (acts.size === 0) this.#forget(signal);
    };
  }

  #listen(signal: AbortSignal): Set<() => void> {
    const acts = new Set<() => void>();
    this.#acts.set(signal, acts);
    signal.addEventListener('abort', this);
    return acts;
  }

  #forget(signal: AbortSignal): void {
    this.#acts.delete(signal);
    signal.removeEventListener('abort', this);
  }

  /** @internal Called by the signal. */
  handleEvent({ target }: Event): void {
    const signal = target as AbortSignal;
    const acts = [...(this.#acts.get(signal) ?? [])];
    this.#forget(signal);
    for (const act of acts) act();
  }
}
