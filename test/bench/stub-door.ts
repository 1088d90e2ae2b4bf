/**
 * The native door without what lies behind it, for the floor: what our JavaScript costs when the
 * kernel, C++ and the thread pool cost nothing.
 */
import type { Door } from '../../lib/native/addon.js';
import { layout } from '../../lib/native/layout.js';
import { Reply } from '../../lib/native/reply.js';
import { executed, failedJob, rowOf, type Result } from '../support/door.js';
import { checkDestination } from '../../lib/input/destination.js';
import { checkService } from '../../lib/input/service.js';
import type { Entry } from './table.js';

const { command: COMMAND, commands } = layout;

interface Exchange {
  readonly request: Uint8Array;
  readonly reply: ArrayBuffer;
}

/**
 * What a kernel that holds a table would answer. It works each answer out once: rounds that ask the
 * same questions in the same order get copies, as the addon copies its replies.
 */
export class Answers {
  readonly #services: Uint8Array[];
  /** Rows by the address and port of the service. */
  readonly #destinations: ReadonlyMap<string, Uint8Array[]>;
  readonly #known: Exchange[] = [];

  constructor(table: readonly Entry[]) {
    const rows = table.map(({ service, destinations }) => {
      const definition = checkService('service', service);
      const { key } = definition;
      return {
        service: rowOf('service', { name: 'IPVS_CMD_NEW_SERVICE', service: key, definition }),
        destinations: destinations.map((each) => {
          const checked = checkDestination('destination', each, key);
          return rowOf('destination', {
            name: 'IPVS_CMD_NEW_DEST',
            service: key,
            destination: checked.key,
            destinationDefinition: checked,
          });
        }),
      };
    });
    this.#services = rows.map(({ service }) => service);
    this.#destinations = new Map(
      rows.map(({ service, destinations }) => [keyOf(service), destinations]),
    );
  }

  /** The reply to the `turn`th job of a round. */
  answer(turn: number, request: Uint8Array): ArrayBuffer {
    const known = this.#known[turn];
    if (known !== undefined && Buffer.compare(known.request, request) === 0) {
      return known.reply.slice(0);
    }
    const reply = executed(this.#results(request));
    this.#known[turn] = { request: request.slice(), reply };
    return reply.slice(0);
  }

  #results(request: Uint8Array): Result[] {
    const records = request.length / COMMAND.size;
    const questions = new Reply(request.slice().buffer);
    return Array.from({ length: records }, (_, index): Result => {
      const base = index * COMMAND.size;
      switch (questions.u32(base + COMMAND.command)) {
        case commands.IPVS_CMD_GET_SERVICE:
          return { rows: this.#services };
        case commands.IPVS_CMD_GET_DEST:
          return {
            rows: this.#destinations.get(keyOf(request.subarray(base + COMMAND.service))) ?? [],
          };
        default:
          return {};
      }
    });
  }
}

/** The address and the port of a service's record. */
function keyOf(record: Uint8Array): string {
  const { address, port } = layout.service;
  return `${record.subarray(address, address + 4).join('.')}:${record.subarray(port, port + 2).join('.')}`;
}

/** A door that has its answer ready at once. One round each. */
export class StubDoor implements Door {
  readonly #answers: Answers;
  #turn = 0;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  async open(): Promise<ArrayBuffer> {
    return await Promise.resolve(failedJob(0, 'kernel'));
  }

  async transact(request: Uint8Array): Promise<ArrayBuffer> {
    return await this.#answer(request);
  }

  async dump(request: Uint8Array): Promise<ArrayBuffer> {
    return await this.#answer(request);
  }

  /** Nobody reads lists in pages here. */
  fork(): Door {
    throw new Error('The stub has no pages');
  }

  async beginList(): Promise<ArrayBuffer> {
    return await Promise.reject(new Error('The stub has no pages'));
  }

  async continueList(): Promise<ArrayBuffer> {
    return await Promise.reject(new Error('The stub has no pages'));
  }

  /** Nobody reads files here. */
  async openFile(): Promise<ArrayBuffer> {
    return await Promise.reject(new Error('The stub has no files'));
  }

  async list(): Promise<ArrayBuffer> {
    return await Promise.reject(new Error('The stub has no files'));
  }

  close(): void {
    this.#turn = 0;
  }

  async #answer(request: Uint8Array): Promise<ArrayBuffer> {
    const reply = this.#answers.answer(this.#turn, request);
    this.#turn += 1;
    return await Promise.resolve(reply);
  }
}
