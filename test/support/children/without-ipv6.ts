/** A program for a kernel without IPv6: prints what calls about IPv6 fail with, and that IPv4 works. */
import { diagnose, Ipvs } from 'ipvs';
import { failureOf } from '../failure.js';

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;
const WEB6 = { protocol: 'tcp', address: '2001:db8::1', port: 80 } as const;
const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const REAL6 = { address: '2001:db8::2', port: 80, forwarding: 'tunnel' } as const;

await using ipvs = await Ipvs.open();
await ipvs.addService({ ...WEB, scheduler: 'rr' });
const calls: Record<string, () => Promise<unknown>> = {
  addService: async () => {
    await ipvs.addService({ ...WEB6, scheduler: 'rr' });
  },
  getService: async () => await ipvs.getService(WEB6),
  deleteService: async () => {
    await ipvs.deleteService(WEB6);
  },
  zero: async () => {
    await ipvs.zero(WEB6);
  },
  addDestination: async () => {
    await ipvs.addDestination(WEB, REAL6);
  },
  unknownModule: async () => {
    const persistence = { timeout: 60, engine: 'nonesuch' };
    await ipvs.addService({ ...WEB, port: 81, scheduler: 'rr', persistence });
  },
};
const failures: Record<string, unknown> = {};
for (const [name, call] of Object.entries(calls)) {
  failures[name] = await call().then(() => null, failureOf);
}
await ipvs.addDestination(WEB, REAL);
const findings = (await diagnose({ schedulers: ['nonesuch'] })).map(({ id }) => id);
console.log(JSON.stringify({ failures, findings, table: await ipvs.snapshot({ stats: false }) }));
