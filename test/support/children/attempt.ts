/**
 * A program that opens a client with the options in its first argument and, unless the second is
 * `open`, calls every command: with `drop` after giving up its rights, with `regain` after giving
 * them up, failing, and taking them again, with `keep` as it is. It prints what each call failed with as
 * JSON; null is success.
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
  await attempt('updateService', async () => {
    await ipvs.updateService(key, { scheduler: 'wlc' });
  });
  await attempt('ensureService', async () => await ipvs.ensureService({ ...key, scheduler: 'rr' }));
  await attempt('getService', async () => await ipvs.getService(key));
  await attempt('listServices', async () => await ipvs.listServices());
  await attempt('addDestination', async () => {
    await ipvs.addDestination(key, real);
  });
  await attempt('setDestination', async () => {
    await ipvs.setDestination(key, real);
  });
  await attempt('updateDestination', async () => {
    await ipvs.updateDestination(key, real, { weight: 2 });
  });
  await attempt('ensureDestination', async () => await ipvs.ensureDestination(key, real));
  await attempt('snapshot', async () => await ipvs.snapshot());
  await attempt('zero', async () => {
    await ipvs.zero(key);
  });
  await attempt('getTimeouts', async () => await ipvs.getTimeouts());
  await attempt('setTimeouts', async () => {
    await ipvs.setTimeouts({ tcp: 900 });
  });
  await attempt('listDaemons', async () => await ipvs.listDaemons());
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
  if (mode === 'drop' || mode === 'regain') process.seteuid?.(65534);
  if (mode === 'regain') {
    await attemptAll(ipvs);
    process.seteuid?.(0);
  }
  await attemptAll(ipvs);
});
console.log(JSON.stringify(failures));
