/** Lists that are read page by page, as a loop asks for them. */
import { throwIfAborted } from './errors.js';
import { commandError, jobError } from './failures.js';
import { takesPortZero } from './input/destination.js';
import { checkCallOptions, checkStreamSnapshotOptions } from './input/options.js';
import { checkServiceReference } from './input/service.js';
import type { DestinationEntry, ServiceEntry, ServiceSnapshot, ServiceState } from './model.js';
import { decodeService } from './native/decode.js';
import { type Command, encodeCommands } from './native/encode.js';
import { pageOfDestinations, pageOfServices } from './native/lists.js';
import { Reply, type Rows } from './native/reply.js';
import { readPart, withoutCounts } from './sequences/snapshot.js';
import type { Session } from './session.js';

/** The rows in the reply to a job; throws when it, or the command, failed. */
async function page(method: string, command: Command, job: Promise<ArrayBuffer>): Promise<Rows> {
  const subject = { method, service: command.service };
  let reply: Reply;
  try {
    reply = new Reply(await job);
  } catch (cause) {
    throw jobError(subject, command.name, cause);
  }
  const outcome = reply.outcome.errno === 0 ? reply.result(0) : reply.outcome;
  if (outcome.errno !== 0) throw commandError(subject, command.name, outcome);
  return reply.rows(0);
}

/**
 * The list that a command asks for, a page at a time. It has a socket of its own, which closes when the
 * loop is left, so that the client can be used inside the loop.
 */
async function* pages(
  session: Session,
  method: string,
  command: Command,
  signal: AbortSignal | undefined,
): AsyncGenerator<Rows, void, void> {
  const door = await session.fork(method, signal);
  try {
    throwIfAborted(signal);
    let rows = await page(method, command, door.beginList(encodeCommands([command])));
    while (rows.count > 0) {
      yield rows;
      throwIfAborted(signal);
      rows = await page(method, command, door.continueList());
    }
  } finally {
    door.close();
  }
}

/** All virtual services. */
export async function* streamServices(
  session: Session,
  options: unknown,
): AsyncGenerator<ServiceEntry, void, void> {
  const signal = checkCallOptions(options);
  const command = { name: 'IPVS_CMD_GET_SERVICE' } as const;
  for await (const rows of pages(session, 'streamServices', command, signal)) {
    for (const { reply, row } of pageOfServices(rows)) yield decodeService(reply, row);
  }
}

/** All destinations of a service. For one that is not there the kernel gives an empty list. */
export async function* streamDestinations(
  session: Session,
  service: unknown,
  options: unknown,
): AsyncGenerator<DestinationEntry, void, void> {
  const key = checkServiceReference('service', service);
  const signal = checkCallOptions(options);
  const method = 'streamDestinations';
  const command = { name: 'IPVS_CMD_GET_DEST', service: key } as const;
  for await (const rows of pages(session, method, command, signal)) {
    yield* pageOfDestinations(rows, takesPortZero(key));
  }
  await session.fetch(method, { name: 'IPVS_CMD_GET_SERVICE', service: key }, signal);
}

/** All virtual services with their destinations: those of a page of services at a time. */
export async function* streamSnapshot(
  session: Session,
  options: unknown,
): AsyncGenerator<ServiceSnapshot | ServiceState, void, void> {
  const { stats, signal } = checkStreamSnapshotOptions(options);
  const subject = { method: 'streamSnapshot' };
  const command = { name: 'IPVS_CMD_GET_SERVICE' } as const;
  for await (const rows of pages(session, subject.method, command, signal)) {
    const read = readPart(subject, pageOfServices(rows));
    const part = await session.run(subject, { name: 'IPVS_CMD_GET_DEST' }, read, { signal });
    yield* stats ? part : part.map(withoutCounts);
  }
}
