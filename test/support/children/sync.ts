/**
 * A program that plays a director with `count` connections: it sends them as sync messages to the
 * backup daemon of its network namespace, which puts them into the connection table. A hundred
 * thousand of them take a second, where as many datagrams through IPVS would take half a minute.
 * With `data`, base64, all of them are templates that the persistence engine sip found by that.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

const count = Number(process.argv[2]);
const data = Buffer.from(process.argv[3] ?? '', 'base64');

const PER_MESSAGE = 255;
/** struct ip_vs_sync_mesg and struct ip_vs_sync_v4 (net/netfilter/ipvs/ip_vs_sync.c). */
const HEADER_SIZE = 8;
const CONNECTION_SIZE = 36;
const UDP = 17;
const TEMPLATE = 0x1000;
const [ENGINE_DATA, ENGINE_NAME] = [2, 3];

/** What follows a connection: type, length and value each. */
function optionsOf(): Buffer {
  if (data.length === 0) return data;
  const name = Buffer.from('sip');
  return Buffer.concat([
    Buffer.from([ENGINE_DATA, data.length]),
    data,
    Buffer.from([ENGINE_NAME, name.length]),
    name,
  ]);
}

const options = optionsOf();
const SIZE = CONNECTION_SIZE + options.length;
/** The kernel looks for the next connection at a multiple of four. */
const STRIDE = (SIZE + 3) & ~3;

/** Connection `index`: each from another client to 10.99.0.1:53, masqueraded to 10.99.0.2:53. */
function writeConnection(message: Buffer, base: number, index: number): void {
  message.writeUInt8(UDP, base + 1);
  message.writeUInt16BE(SIZE, base + 2);
  message.writeUInt16BE(data.length === 0 ? 1024 + (index % 60_000) : 0, base + 10);
  message.writeUInt16BE(53, base + 12);
  message.writeUInt16BE(53, base + 14);
  message.writeUInt32BE(data.length === 0 ? 0 : TEMPLATE, base + 4);
  message.writeUInt32BE(300, base + 20);
  message.writeUInt32BE(0x0a000000 + Math.floor(index / 60_000), base + 24);
  message.writeUInt32BE(0x0a630001, base + 28);
  message.writeUInt32BE(0x0a630002, base + 32);
  options.copy(message, base + CONNECTION_SIZE);
}

function messageFrom(first: number): Buffer {
  const connections = Math.min(PER_MESSAGE, count - first);
  const message = Buffer.alloc(HEADER_SIZE + connections * STRIDE);
  message.writeUInt16BE(message.length, 2);
  message.writeUInt8(connections, 4);
  message.writeUInt8(1, 5);
  for (let index = 0; index < connections; index += 1) {
    writeConnection(message, HEADER_SIZE + index * STRIDE, first + index);
  }
  return message;
}

const socket = createSocket('udp4');
socket.bind(0, '127.0.0.1');
await once(socket, 'listening');
for (let first = 0; first < count; first += PER_MESSAGE) {
  await new Promise<void>((resolve, reject) => {
    socket.send(messageFrom(first), 8848, '224.0.0.81', (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  // The daemon must keep up: what its socket has no room for is lost.
  await setTimeout(1);
}
socket.close();
