/**
 * Clients of a virtual server and the real servers behind it: `node clients.js ADDRESS REAL…`. The servers listen on
 * TCP port 8080 of each REAL address, and answer whatever they get with that address. Told `open`, a client connects
 * to port 80 of ADDRESS, keeps the connection, and says who answered; told `speak`, all that are open do, and say
 * so; told `send`, one sends a datagram to port 53.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const [virtual = '', ...reals] = process.argv.slice(2);
const open: Socket[] = [];

async function speak(client: Socket): Promise<string> {
  client.write('?');
  const [answer] = (await once(client, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer];
  return String(answer);
}

async function act(word: string): Promise<string> {
  if (word === 'speak') return (await Promise.all(open.map(speak))).join(' ');
  if (word === 'send') {
    const socket = createSocket('udp4');
    await new Promise((resolve) => {
      socket.send('?', 53, virtual, resolve);
    });
    socket.close();
    return 'sent';
  }
  const client = connect(80, virtual).setNoDelay();
  await once(client, 'connect', { signal: AbortSignal.timeout(5000) });
  open.push(client);
  return await speak(client);
}

for (const each of reals) {
  const server = createServer((connection) => {
    connection.on('data', () => connection.write(each));
  });
  await once(server.listen(8080, each), 'listening');
}
process.on('message', (word: string) => {
  act(word).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.(String(error)),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
