/**
 * TCP connections that last: `node flows.js serve NAME PORT` is a real server, `node flows.js browse STALL` is its
 * clients, which open and end connections as their parent says (flows.ts).
 *
 * A server answers each line with its name and that line. To `download` it answers with numbers, one line of a
 * kilobyte after the other, until it gets another line. A client counts along; whatever it does not expect, an
 * answer that does not come within STALL milliseconds too, is a connection that broke. It ends one by a reset
 * once the server has answered everything: so the balancer forgets it after ten seconds, not two minutes.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import type { Order, Told } from '../flows.js';

const PAUSE = 50;

/** The lines that come; it emits the errors of its socket again, of which the socket's owner knows. */
function linesOf(socket: Socket): Interface {
  return createInterface({ input: socket }).on('error', () => undefined);
}

function answer(name: string, socket: Socket): void {
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  socket
    .on('close', () => {
      clearInterval(timer);
    })
    .on('error', () => undefined);
  linesOf(socket).on('line', (line) => {
    clearInterval(timer);
    if (line !== 'download') {
      socket.write(`${name} ${line}\n`);
      return;
    }
    timer = setInterval(() => {
      socket.write(`${name} ${count} ${'.'.repeat(1000)}\n`);
      count += 1;
    }, PAUSE);
  });
}

function browse({ kind, ...where }: Order, stall: number, tell: (told: Told) => void): () => void {
  const socket = connect(where);
  let count = 0;
  let isEnding = false;
  const ask = (): void => {
    if (!isEnding) socket.write(`${count}\n`);
  };
  const breaks = (word: string): void => {
    tell({ state: 'broken', word });
  };
  socket
    .setTimeout(stall, () => {
      breaks('stalled');
    })
    .on('error', ({ message }) => {
      breaks(message);
    })
    .on('close', () => {
      breaks('closed');
    })
    .on('connect', () => {
      if (kind === 'download') socket.write('download\n');
      else ask();
    });
  linesOf(socket).on('line', (line) => {
    const [server = '', number] = line.split(' ');
    if (number === 'end') {
      tell({ state: 'ended', word: server });
      socket.resetAndDestroy();
    } else if (number === String(count)) {
      if (count === 0) tell({ state: 'open', word: server });
      count += 1;
      if (kind === 'keep-alive') setTimeout(ask, PAUSE);
    } else {
      breaks(`${line} came instead of ${count}`);
    }
  });
  return () => {
    isEnding = true;
    socket.write('end\n');
  };
}

const [role, name = '', port] = process.argv.slice(2);
if (role === 'serve') {
  const server = createServer((socket) => {
    answer(name, socket);
  });
  await once(server.listen(Number(port), '::'), 'listening');
} else {
  const ends = new Map<number, () => void>();
  process.on('message', ({ id, order }: { id: number; order?: Order }) => {
    if (order === undefined) {
      ends.get(id)?.();
      return;
    }
    let isOver = false;
    const tell = (told: Told): void => {
      if (!isOver) process.send?.({ id, told });
      isOver = told.state !== 'open';
    };
    ends.set(id, browse(order, Number(name), tell));
  });
}
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
