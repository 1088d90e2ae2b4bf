import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lab } from './support.js';

describe('the lab refuses, and says why,', function () {
  this.timeout(10_000);

  const refused: [string, string[], NodeJS.ProcessEnv, RegExp][] = [
    ['a call without a command', [], {}, /usage: npm run -s lab -- COMMAND/],
    [
      'an unknown kind',
      ['true'],
      { IPVS_LAB: 'xen' },
      /IPVS_LAB must be one of host, uml, qemu, qemu-arm64, or unset/,
    ],
    ['a limit that is no number', ['true'], { IPVS_LAB_TIMEOUT: '5m' }, /IPVS_LAB_TIMEOUT must be/],
    ['a limit of nothing', ['true'], { IPVS_LAB_TIMEOUT: '0' }, /IPVS_LAB_TIMEOUT must be/],
    ['a memory without a unit', ['true'], { IPVS_LAB_MEMORY: '1' }, /IPVS_LAB_MEMORY must be/],
  ];

  for (const [what, command, variables, message] of refused) {
    it(what, async () => {
      const { status, stdout, stderr } = await lab(command, {
        env: { ...process.env, ...variables },
      });
      assert.equal(status, 125);
      assert.equal(stdout.toString(), '');
      assert.match(stderr.toString(), message);
    });
  }
});
