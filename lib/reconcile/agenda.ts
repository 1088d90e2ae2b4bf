/** When a reconciler does what: one timer, which is set to what is due first. */

/** What is due when, as `performance.now()` has it; `Infinity` is never. One thing is done at a time. */
export class Agenda {
  resync = Infinity;
  retry = Infinity;
  drain = Infinity;
  #change = Infinity;
  /** When the oldest desired state that was not applied yet was set. */
  #changedSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #halted = false;
  readonly #work: () => Promise<void>;

  /** @param work - Does what is due, and says what is due next. It never rejects. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** When the whole scope is to be looked at, and not drains alone. */
  get whole(): number {
    return Math.min(this.#change, this.resync, this.retry);
  }

  /** A desired state waits for newer ones, but no longer than the oldest may. */
  awaitNewer(delay: number, maxDelay: number): void {
    const now = performance.now();
    this.#changedSince ??= now;
    this.#change = Math.min(this.#changedSince + maxDelay, now + delay);
  }

  /** Nothing waits any longer. */
  hurry(): void {
    this.#change = -Infinity;
  }

  /** The newest desired state is taken. */
  take(): void {
    this.#changedSince = undefined;
    this.#change = Infinity;
  }

  /** Sets the timer, which keeps the process alive, unless something is under way: then it is set afterwards. */
  schedule(): void {
    if (this.#running !== undefined || this.#halted) return;
    clearTimeout(this.#timer);
    const due = Math.min(this.whole, this.drain);
    if (due === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#running = this.#run();
      },
      Math.max(0, Math.ceil(due - performance.now())),
    );
  }

  /** Nothing is begun any more. */
  halt(): void {
    this.#halted = true;
    clearTimeout(this.#timer);
  }

  /** After what is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#work();
    this.#running = undefined;
    this.schedule();
  }
}
