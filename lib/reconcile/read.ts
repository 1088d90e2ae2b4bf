/** Reading what there is, as tables to compare. */
import { constants } from 'node:os';
import { commandError, type Subject } from '../failures.js';
import type { CheckedServiceKey } from '../input/service.js';
import type { ServiceRowEntry } from '../native/lists.js';
import { requireRow, type Sequence } from '../sequence.js';
import { type PackedService, readPackedPart, readPackedTable } from '../sequences/snapshot.js';
import type { Session } from '../session.js';
import { foundTable } from './found.js';
import type { Table } from './table.js';

const METHOD = 'apply';

/** Those of some services that are there, asked for by their keys. */
function* readNamed(
  subject: Subject,
  services: readonly CheckedServiceKey[],
): Sequence<PackedService[]> {
  const name = 'IPVS_CMD_GET_SERVICE';
  const answers = yield services.map((service) => ({ command: { name, service }, dump: false }));
  const rows: ServiceRowEntry[] = [];
  answers.forEach((answer, index) => {
    const about = { ...subject, service: services[index] };
    const { errno, stage } = answer.outcome;
    if (errno === constants.errno.ESRCH && stage === 'kernel') return;
    if (errno !== 0) throw commandError(about, name, answer.outcome);
    const { reply, row } = requireRow(about, { name }, answer);
    rows.push({ reply, row });
  });
  return yield* readPackedPart(subject, rows);
}

/** The whole table, in one pass. */
export async function readActual(session: Session, signal?: AbortSignal): Promise<Table> {
  const subject = { method: METHOD };
  const command = { name: 'IPVS_CMD_GET_DEST' } as const;
  return foundTable(await session.run(subject, command, readPackedTable(subject), { signal }));
}

/** Some services, each asked for by its key: what is not there then is not there. */
export async function readServices(
  session: Session,
  services: readonly CheckedServiceKey[],
  signal?: AbortSignal,
): Promise<Table> {
  const subject = { method: METHOD };
  const command = { name: 'IPVS_CMD_GET_SERVICE' } as const;
  const read = readNamed(subject, services);
  return foundTable(await session.run(subject, command, read, { signal }));
}
