/**
 * A program that opens a client with the options in its first argument and, unless the second is
 * `open`, calls every method: with `drop` after giving up its rights, with `keep` as it is. It prints
 * what each call failed with as JSON; null is success.
 */
import { Ipvs, type OpenOptions } from 'ipvs';
import { type Failure, failureOf } from '../failure.js';

const [options = '{}', mode = 'open'] = process.argv.slice(2);
const failures: Record<string, Failure | null> = {};

async function attempt(name: string, call: () => Promise<unknown>): Promise<void> {
  failures[name] = await call().then(
    () => null,
    (error: unknown) => failureOf(error),
  );
}

async function attemptAll(ipvs: Ipvs): Promise<void> {
  const key = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;
  const real = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
  await attempt('getInfo', async () => await ipvs.getInfo());
  await attempt('addService', async () => {
    await ipvs.addService({ ...key, scheduler: 'rr' });
  });
  await attempt('setService', async () => {
    await ipvs.setService({ ...key, scheduler: 'lc' });
  });
  await attempt('getService', async () => await ipvs.getService(key));
  await attempt('listServices', async () => await ipvs.listServices());
  await attempt('addDestination', async () => {
    await ipvs.addDestination(key, real);
  });
  await attempt('setDestination', async () => {
    await ipvs.setDestination(key, real);
  });
  await attempt('listDestinations', async () => await ipvs.listDestinations(key));
  await attempt('getDestination', async () => await ipvs.getDestination(key, real));
  await attempt('deleteDestination', async () => {
    await ipvs.deleteDestination(key, real);
  });
  await attempt('deleteService', async () => {
    await ipvs.deleteService(key);
  });
  await attempt('flush', async () => {
    await ipvs.flush();
  });
}

await attempt('open', async () => {
  await using ipvs = await Ipvs.open(JSON.parse(options) as OpenOptions);
  if (mode === 'open') return;
  if (mode === 'drop') process.seteuid?.(65534);
  await attemptAll(ipvs);
});
console.log(JSON.stringify(failures));
