/** So few dropped items are not worth moving the others. */
const KEPT_DROPPED = 1024;

/** Queued items, oldest first, without the cost of shifting an array for each. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The item at `index`, counted from the oldest. */
  peek(index: number): Item | undefined {
    return this.#items[this.#first + index];
  }

  /** The newest item. */
  last(): Item | undefined {
    return this.#first < this.#items.length ? this.#items.at(-1) : undefined;
  }

  /** Drops the oldest `count` items. */
  drop(count: number): void {
    // A queue that is never empty keeps their places for a while, and must not keep what they were.
    this.#items.fill(undefined, this.#first, this.#first + count);
    this.#first += count;
    const worthIt = this.#first > KEPT_DROPPED && this.#first * 2 > this.#items.length;
    if (worthIt || this.#first === this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
  }
}
