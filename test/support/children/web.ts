/**
 * HTTP servers and an HTTP client, for a network namespace: `node web.js PORT ADDRESS…`.
 *
 * The server of each address answers with that address. Its `/health` answers with the statuses that
 * `/script?503,503,200` has set, one after the other and the last from then on; 0 is no answer at all.
 * `/checks` tells how often it was asked since. The client asks for each URL that its parent sends, on a
 * connection of its own, and sends the answer.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Answer } from '../web.js';

function serving(address: string): RequestListener {
  let script = [200];
  let checks = 0;
  return ({ url = '' }, response) => {
    const [path, query = ''] = url.split('?');
    if (path === '/health') {
      const status = script[Math.min(checks, script.length - 1)] ?? 0;
      checks += 1;
      if (status !== 0) response.writeHead(status).end();
    } else if (path === '/script') {
      script = query.split(',').map(Number);
      checks = 0;
      response.end();
    } else {
      response.end(path === '/checks' ? String(checks) : address);
    }
  };
}

async function ask(url: string): Promise<Answer> {
  const request = get(url, { agent: false, signal: AbortSignal.timeout(10_000) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { statusCode: status = 0, headers } = response;
  return { status, type: headers['content-type'] ?? '', body: await text(response) };
}

const [port, ...addresses] = process.argv.slice(2);
for (const address of addresses) {
  await once(createServer(serving(address)).listen(Number(port), address), 'listening');
}
process.on('message', (url: string) => {
  ask(url).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ status: 0, type: '', body: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
