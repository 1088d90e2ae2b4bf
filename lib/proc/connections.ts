/** The connection table: `/proc/net/ip_vs_conn` and `/proc/net/ip_vs_conn_sync`. */
import { malformedFileError, type FileSubject } from './failures.js';
import { checkConnectionsOptions } from '../input/connections.js';
import type { Connection, ConnectionEndpoint } from '../model.js';
import type { Files } from './files.js';
import { lineGroups } from './lines.js';
import { ADDRESS, addressBytes, PORT, readAddress, readHex, readProtocol } from './text.js';

/** Source: ip_vs_conn.c, ip_vs_conn_seq_show and ip_vs_conn_sync_seq_show. */
const ENDPOINT = `${ADDRESS} ${PORT}`;
const START = String.raw`^(\S+) +${ENDPOINT} ${ENDPOINT} ${ENDPOINT} (\S+) +`;
const PLAIN = new RegExp(String.raw`${START}(\d+)(?: (\S+) ([^]*))?$`);
const WITH_ORIGIN = new RegExp(String.raw`${START}(LOCAL|SYNC) +(\d+)$`);

const TEMPLATE_STATES: ReadonlySet<string> = new Set(['NONE', 'ASSURED']);

/** The templates of services by firewall mark have the mark in place of the virtual address. */
function readMark(text: string): number {
  return Buffer.from(addressBytes(text)).readUInt32BE(0);
}

function readEndpoint(address: string, port: string): ConnectionEndpoint {
  return { address: readAddress(address), port: readHex(port) };
}

function readEngine(engine: string | undefined, data: string | undefined): Partial<Connection> {
  if (engine === undefined || data === undefined) return {};
  return { engine, engineData: Uint8Array.from(Buffer.from(data, 'latin1')) };
}

/** The connection of a line, or undefined for what is none. */
export function parseConnection(line: string, withOrigin: boolean): Connection | undefined {
  const match = (withOrigin ? WITH_ORIGIN : PLAIN).exec(line);
  if (match === null) return undefined;
  const [, name = '', from = '', fromPort = '', to = '', toPort = ''] = match;
  const [address = '', port = '', state = '', ...rest] = match.slice(6);
  const protocol = name === 'IP' ? 'any' : readProtocol(name);
  if (protocol === undefined) return undefined;
  const [origin, expires, engine, data] = withOrigin ? rest : [undefined, ...rest];
  return {
    protocol,
    client: readEndpoint(from, fromPort),
    ...(protocol === 'any' ? { fwmark: readMark(to) } : { virtual: readEndpoint(to, toPort) }),
    destination: readEndpoint(address, port),
    state,
    expires: Number(expires),
    template: fromPort === '0000' && TEMPLATE_STATES.has(state),
    ...(origin === undefined ? {} : { origin: origin === 'SYNC' ? 'sync' : 'local' }),
    ...readEngine(engine, data),
  };
}

/**
 * The connections of a table's lines, without the title. Engine data may hold a newline, which the kernel
 * prints as it is: a line that is none goes on with the data of the one before. (Data that another director
 * sent can look like any line; what it adds can't be told from the kernel's.)
 */
class Lines {
  readonly #subject: FileSubject;
  readonly #withOrigin: boolean;
  /** The last connection, while it may go on. */
  #open: Connection | undefined;

  constructor(subject: FileSubject, withOrigin: boolean) {
    this.#subject = subject;
    this.#withOrigin = withOrigin;
  }

  /** Those connections that are complete with this line. */
  add(line: string): Connection[] {
    const connection = parseConnection(line, this.#withOrigin);
    if (connection === undefined) {
      this.#continue(line);
      return [];
    }
    const complete = this.end();
    if (connection.engineData === undefined) return [...complete, connection];
    this.#open = connection;
    return complete;
  }

  /** The connection that no line follows. */
  end(): Connection[] {
    const last = this.#open;
    this.#open = undefined;
    return last === undefined ? [] : [last];
  }

  #continue(line: string): void {
    if (this.#open?.engineData === undefined) throw malformedFileError(this.#subject, line);
    const engineData = Buffer.concat([this.#open.engineData, Buffer.from(`\n${line}`, 'latin1')]);
    this.#open = { ...this.#open, engineData: Uint8Array.from(engineData) };
  }
}

/**
 * The connections that the options let through, read as they are asked for. Wrong options, too, show
 * only when the first is asked for: an iterator rejects, it does not throw.
 */
export async function* streamConnections(
  open: (signal: AbortSignal | undefined) => Files,
  options: unknown,
): AsyncGenerator<Connection, void, void> {
  const filter = checkConnectionsOptions(options);
  const files = open(filter.signal);
  const name = filter.origin ? 'ip_vs_conn_sync' : 'ip_vs_conn';
  const subject: FileSubject = { method: 'connections', path: `/proc/net/${name}` };
  const table = new Lines(subject, filter.origin);
  let first = true;
  for await (const lines of lineGroups(files, subject)) {
    for (const line of lines) {
      const header = first && line.startsWith('Pro ');
      first = false;
      if (!header) for (const each of table.add(line)) if (filter.matches(each)) yield each;
    }
  }
  for (const each of table.end()) if (filter.matches(each)) yield each;
}
