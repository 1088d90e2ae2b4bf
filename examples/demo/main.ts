/**
 * The demo, `npm run demo`: makes a table and compares it with ipvsadm's reading of it, then balances
 * real HTTP requests between three servers. Ends with status 1 when anything is not as promised.
 *
 * Needs root, and a kernel with IPVS: scripts/demo runs it in the lab, where it has both.
 */
import { balanceDemo, startServers } from './balance.js';
import { Namespaces } from './namespaces.js';
import { makeNetwork } from './network.js';
import { step } from './report.js';
import { tableDemo } from './table.js';

async function tellTheStory(signal: AbortSignal): Promise<void> {
  using namespaces = new Namespaces(signal);
  await tableDemo(await namespaces.add('table'));

  const network = await makeNetwork(namespaces);
  step('a client, a director and three real servers, each in a namespace, joined by veth');
  await startServers(network);
  await balanceDemo(network, 'ipv4');
  await balanceDemo(network, 'ipv6');
}

/** Aborts when the user ends the demo: a host kernel would keep its namespaces otherwise. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
    process.on(name, () => {
      controller.abort(new Error(`ended by ${name}`));
    });
  }
  return controller.signal;
}

const signal = interruption();
try {
  await tellTheStory(signal);
  step('all is as promised');
} catch (error) {
  // Whatever failed after the interruption failed because of it.
  const reason: unknown = signal.aborted ? signal.reason : error;
  console.error(`demo: ${reason instanceof Error ? reason.message : String(reason)}`);
  process.exitCode = 1;
}
