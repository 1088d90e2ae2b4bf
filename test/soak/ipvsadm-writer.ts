/** ipvsadm as a writer: services of its own, counted by its exit status, and those of everybody. */
import { execute, type Namespace } from '../support/netns.js';
import { ACTS_OF_IPVSADM, type Keys, nextOperation } from './generate.js';
import { argumentsOf } from './ipvsadm.js';
import { CONTESTED } from './layout.js';
import { Model } from './model.js';
import type { Random } from './random.js';

export class IpvsadmWriter {
  readonly model = new Model();
  readonly problems: string[] = [];
  operations = 0;
  readonly #namespace: Namespace;
  readonly #random: Random;
  readonly #own: Keys;

  constructor(namespace: Namespace, random: Random, own: Keys) {
    this.#namespace = namespace;
    this.#random = random;
    this.#own = own;
  }

  /** Works until a time by `performance.now()`, or until something is wrong. */
  async work(until: number): Promise<void> {
    while (performance.now() < until && this.problems.length === 0) {
      this.operations += 1;
      if (this.#random.once(5)) await this.#fight();
      else await this.#write();
    }
  }

  async #fight(): Promise<void> {
    const operation = nextOperation(this.#random, CONTESTED, ACTS_OF_IPVSADM);
    await execute(...this.#namespace.inside('ipvsadm', ...argumentsOf(operation)));
  }

  async #write(): Promise<void> {
    const operation = nextOperation(this.#random, this.#own, ACTS_OF_IPVSADM);
    const succeeds = 'value' in this.model.apply(operation);
    const words = argumentsOf(operation);
    const { status, stderr } = await execute(...this.#namespace.inside('ipvsadm', ...words));
    if ((status === 0) === succeeds) return;
    this.problems.push(
      `ipvsadm, operation ${this.operations}: ${words.join(' ')} ended with ${status} ` +
        `(${stderr.trim()}), and should have ${succeeds ? 'succeeded' : 'failed'}`,
    );
  }
}
