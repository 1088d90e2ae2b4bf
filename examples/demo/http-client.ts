/**
 * The client: `node http-client.js URL COUNT` asks COUNT times and prints, as JSON, how often it got
 * which answer.
 */
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

// IPVS schedules connections, not requests: each request is to take a new one.
const agent = new Agent({ keepAlive: false });

async function ask(url: string): Promise<string> {
  const request = get(url, { agent, signal: AbortSignal.timeout(10_000) });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return await text(response);
}

const [url = '', count = '0'] = process.argv.slice(2);
const answers: Record<string, number> = {};
for (let request = 0; request < Number(count); request++) {
  const answer = await ask(url);
  answers[answer] = (answers[answer] ?? 0) + 1;
}
console.log(JSON.stringify(answers));
