/** Uses the package on a system that is not Linux: importing it works, and what takes no kernel; nothing else does. */
import assert from 'node:assert/strict';
import console from 'node:console';
import process from 'node:process';
import * as library from 'ipvs';

const { diagnose, formatKey, Ipvs, IpvsError, IpvsObserver, parseServiceKey } = library;

assert.notEqual(process.platform, 'linux', 'this is Linux');
assert.equal(formatKey(parseServiceKey('tcp 10.0.0.1:80')), 'tcp 10.0.0.1:80');

for (const { open } of [Ipvs, IpvsObserver]) {
  await assert.rejects(open(), (error) => {
    assert.ok(error instanceof IpvsError);
    assert.equal(error.code, 'ERR_IPVS_UNSUPPORTED_PLATFORM');
    assert.equal(error.reason, 'unsupported-platform');
    assert.ok(error.message.includes(`this is ${process.platform}`), error.message);
    return true;
  });
}

const [finding, ...others] = await diagnose();
assert.equal(finding?.id, 'open-failed');
assert.deepEqual(others, []);
console.log(`on ${process.platform}, opening says that there is no IPVS`);
