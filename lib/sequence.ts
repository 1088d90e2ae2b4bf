/** Several commands of which the later ones depend on the answers to the earlier ones. */
import { constants } from 'node:os';
import { parseAddress } from './address.js';
import { IpvsError } from './errors.js';
import { commandError, type Missing, type Subject, unknownModuleError } from './failures.js';
import type { Answer } from './batch.js';
import type { Request, Step } from './jobs.js';
import type { Command } from './native/encode.js';
import type { CommandName } from './native/layout.js';
import type { Outcome } from './native/reply.js';

const { ENOENT, EINVAL, EBADMSG, EIO } = constants.errno;

/**
 * Yields steps, is given an answer for each request of a step, and returns its result. It must not
 * wait for anything else, since the queue waits for it.
 */
export type Sequence<Result> = Generator<Step, Result, readonly Answer[]>;

function* ask(request: Request): Sequence<Answer> {
  const [answer] = yield [request];
  if (answer === undefined) throw new TypeError('A step of a sequence was not answered');
  return answer;
}

/** What became of a command, whatever it was. */
export function* attempt(command: Command): Sequence<Answer> {
  return yield* ask({ command, dump: false });
}

/**
 * Which of the two is missing, when one is. The kernel looks for the scheduler and the engine before
 * it refuses an IPv6 service with prefix length 0 (ip_vs_ctl.c, ip_vs_add_service), so that such a
 * service tells without leaving a trace: EINVAL means that the scheduler exists.
 */
export function* findMissing(scheduler: string): Sequence<Missing> {
  const address = parseAddress('100::1');
  if (address === undefined) throw new TypeError('The probe has no address');
  const key = { family: 'ipv6', protocol: 255, address, port: 1 } as const;
  const { outcome } = yield* attempt({
    name: 'IPVS_CMD_NEW_SERVICE',
    service: key,
    definition: {
      key,
      scheduler,
      schedulerFlags: [],
      onePacket: false,
      persistence: { timeout: 1, prefixLength: 0, engine: '' },
    },
  });
  if (outcome.errno === EINVAL) return 'engine';
  return outcome.errno === ENOENT ? 'scheduler' : 'either';
}

/** Whether the kernel says that it lacks a service's scheduler or engine, and not which. */
export function lacksModule({ errno, stage }: Outcome): boolean {
  return errno === ENOENT && stage === 'kernel';
}

/** The error of a command that failed. */
function* failure(subject: Subject, command: Command, outcome: Outcome): Sequence<Error> {
  const { name, definition } = command;
  if (definition === undefined || !lacksModule(outcome))
    return commandError(subject, name, outcome);
  const { scheduler, persistence } = definition;
  const engine = persistence?.engine ?? '';
  const missing = engine === '' ? 'scheduler' : yield* findMissing(scheduler);
  return unknownModuleError(subject, name, outcome, missing, { scheduler, engine });
}

/** Executes a command; throws when it fails. */
export function* perform(subject: Subject, command: Command): Sequence<Answer> {
  const answer = yield* attempt(command);
  if (answer.outcome.errno === 0) return answer;
  throw yield* failure(subject, command, answer.outcome);
}

/** Executes a command that asks for one row; throws when it fails. */
export function* fetch(subject: Subject, command: Command): Sequence<Answer> {
  return requireRow(subject, command, yield* perform(subject, command));
}

/** Reads the list that a command asks for; throws when that fails. */
export function* dump(subject: Subject, command: Command): Sequence<Answer> {
  const answer = yield* ask({ command, dump: true });
  if (answer.outcome.errno === 0) return answer;
  throw commandError(subject, command.name, answer.outcome);
}

/** What is read after a command that was carried out, or may have been: where that fails, nobody knows what it did. */
export function* readAfter<Result>(
  subject: Subject,
  written: CommandName,
  read: Sequence<Result>,
): Sequence<Result> {
  try {
    return yield* read;
  } catch (error) {
    const errno = error instanceof IpvsError ? Math.abs(error.errno ?? EIO) : EIO;
    throw commandError(subject, written, { errno, stage: 'receive' });
  }
}

/** The answer to a command that asks for one row, which success must bring along. */
export function requireRow(subject: Subject, { name }: Command, answer: Answer): Answer {
  if (answer.count > 0) return answer;
  throw commandError(subject, name, { errno: EBADMSG, stage: 'reply' });
}
