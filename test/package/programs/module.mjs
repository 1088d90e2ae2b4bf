import { Ipvs } from 'ipvs';

const ipvs = await Ipvs.open();
await ipvs.addService({ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' });
await ipvs.close();
