/**
 * A program that makes many connections: from each of `sockets` sockets one datagram to every port of
 * 10.99.0.1 from 1 to `ports`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const [sockets = 1, ports = 1] = process.argv.slice(2).map(Number);

for (let count = 0; count < sockets; count += 1) {
  const socket = createSocket('udp4');
  // Nobody listens: what comes back is of no interest.
  socket.on('error', () => undefined);
  socket.bind();
  await once(socket, 'listening');
  for (let port = 1; port <= ports; port += 1) {
    await new Promise((resolve) => {
      socket.send('x', port, '10.99.0.1', resolve);
    });
  }
  socket.close();
}
