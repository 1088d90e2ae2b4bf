import { Ipvs, IpvsError, type ServiceKey } from 'ipvs';

const web: ServiceKey = { protocol: 'tcp', address: '10.0.0.1', port: 80 };

async function main(): Promise<void> {
  const ipvs = await Ipvs.open();
  await ipvs.addService({ ...web, scheduler: 'rr' });
  const again: unknown = await ipvs
    .addService({ ...web, scheduler: 'rr' })
    .catch((error: unknown) => error);
  if (!(again instanceof IpvsError) || again.reason !== 'service-exists') throw again;
  const [service] = await ipvs.snapshot();
  const scheduler: string | undefined = service?.scheduler;
  if (scheduler !== 'rr') throw new Error(`the scheduler is ${scheduler ?? 'missing'}`);
  // @ts-expect-error -- were the types not found, this would be allowed
  const counted: number = service?.stats.inBytes;
  if (typeof counted !== 'bigint') throw new TypeError('bytes are no bigint');
  await ipvs.close();
}

void main();
