const assert = require('node:assert/strict');
const { Ipvs, IpvsError } = require('ipvs');

async function main() {
  const ipvs = await Ipvs.open();
  await ipvs.addService({ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' });
  await ipvs.close();
  // There is one class, however it came: instanceof works across modules of both kinds.
  assert.equal((await import('ipvs')).IpvsError, IpvsError);
}

main();
