/** Runs a client while its answers are spoilt (test/native/faults.cc), and reports as JSON. */
import { Ipvs, IpvsError } from 'ipvs';

const service = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;

async function failureOf(promise: Promise<unknown>): Promise<object | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error;
    const { reason, code, outcome } = error;
    return { reason, code, outcome };
  }
}

const ipvs = await Ipvs.open({ timeout: 200 });
process.env['IPVS_FAULT'] = process.argv[2];
const start = performance.now();
// Each by itself: what is called together travels together, and fails together.
const written = await failureOf(ipvs.addService({ ...service, scheduler: 'rr' }));
const read = await failureOf(ipvs.getService(service));
const listed = await failureOf(ipvs.listServices());
const milliseconds = performance.now() - start;
delete process.env['IPVS_FAULT'];
const afterwards = (await ipvs.listServices()).length;
await ipvs.close();
console.log(JSON.stringify({ written, read, listed, milliseconds, afterwards }));
