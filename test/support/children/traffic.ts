/**
 * A program that makes traffic through the virtual server 10.99.0.1 to a real server of its own on
 * 10.99.0.2: one TCP connection to port 80 (8080), which stays open, and datagrams from twenty sockets
 * to port 53 (5353). It says `ready` when all of it was answered, and ends with its standard input.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

const VIRTUAL = '10.99.0.1';
const REAL = '10.99.0.2';
const SENDERS = 20;
const DATAGRAMS = 5;

async function tcp(): Promise<void> {
  const server = createServer((connection) => {
    connection.on('data', () => connection.write(Buffer.alloc(3000)));
  });
  server.listen(8080, REAL);
  await once(server, 'listening');
  const client = connect(80, VIRTUAL);
  await once(client, 'connect');
  client.write(Buffer.alloc(1000));
  for (let received = 0; received < 3000;) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    received += chunk.length;
  }
}

async function exchange(socket: Socket): Promise<void> {
  for (let count = 0; count < DATAGRAMS; count += 1) {
    socket.send(Buffer.alloc(100), 53, VIRTUAL);
    await once(socket, 'message');
  }
}

async function udp(): Promise<void> {
  const server = createSocket('udp4', (_, { port, address }) => {
    server.send(Buffer.alloc(300), port, address);
  });
  server.bind(5353, REAL);
  await once(server, 'listening');
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      await exchange(createSocket('udp4'));
    }),
  );
}

await tcp();
await udp();
console.log('ready');
await text(process.stdin);
process.exit(0);
