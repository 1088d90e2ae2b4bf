/** What a client says on a kernel that was booted without IPv6. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { projectRoot } from './paths.js';
import { bootingTimeout, lab } from './support.js';

const CHILD = join(projectRoot, 'dist/test/support/children/without-ipv6.js');
const NO_FAMILY = {
  ...{ code: 'EAFNOSUPPORT', errno: -97, reason: 'unsupported-family', outcome: 'not-applied' },
};
const IPV6 = { ...NO_FAMILY, service: 'tcp [2001:db8::1]:80' };

describe('a kernel without IPv6', function () {
  this.timeout(bootingTimeout);

  it('refuses all that is about IPv6 with EAFNOSUPPORT, and carries the rest', async function () {
    // The host's own kernel has what it has.
    if (process.env['IPVS_LAB'] === 'host') this.skip();
    const env = { ...process.env, IPVS_LAB_PARAMETERS: 'ipv6.disable=1' };
    const { status, stdout, stderr } = await lab([process.execPath, CHILD], { env });
    assert.equal(stderr.toString(), '');
    assert.equal(status, 0);
    const { failures, findings, table } = JSON.parse(stdout.toString()) as {
      failures: Record<string, object>;
      findings: string[];
      table: { destinations: object[] }[];
    };
    assert.deepEqual(failures, {
      addService: { ...IPV6, syscall: 'IPVS_CMD_NEW_SERVICE' },
      getService: { ...IPV6, syscall: 'IPVS_CMD_GET_SERVICE' },
      deleteService: { ...IPV6, syscall: 'IPVS_CMD_DEL_SERVICE' },
      zero: { ...IPV6, syscall: 'IPVS_CMD_ZERO' },
      addDestination: {
        ...{ ...NO_FAMILY, syscall: 'IPVS_CMD_NEW_DEST' },
        ...{ service: 'tcp 10.0.0.1:80', destination: '[2001:db8::2]:80' },
      },
      unknownModule: {
        ...{ code: 'ENOENT', errno: -2, reason: 'unknown-scheduler-or-engine' },
        ...{ outcome: 'not-applied', service: 'tcp 10.0.0.1:81', syscall: 'IPVS_CMD_NEW_SERVICE' },
      },
    });
    // Without IPv6 the question that leaves no trace can't be asked.
    assert.ok(findings.includes('not-checked') && !findings.includes('scheduler-missing'));
    assert.deepEqual(
      table.map(({ destinations }) => destinations.length),
      [1],
    );
  });
});
