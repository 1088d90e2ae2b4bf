/**
 * A real server: `node http-server.js NAME PORT` answers every request with NAME.
 */
import { createServer } from 'node:http';

const [name, port] = process.argv.slice(2);

createServer((_request, response) => {
  response.end(name);
}).listen(Number(port), '::', () => {
  console.log('listening');
});

// Standard input ends with the demo, however that came about: then nobody else would end this.
process.stdin.on('end', () => process.exit()).resume();
