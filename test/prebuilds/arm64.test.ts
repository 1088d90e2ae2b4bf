/**
 * The binary for glibc on arm64, loaded by Node on an emulated processor. qemu-user knows no generic
 * netlink, so a client gets no further than its socket; `npm run test:arm64` boots a kernel.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { onArm64, start } from './programs.js';

const LIBRARY = pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/index.js')).href;

const PROGRAM = `
  const { Ipvs } = await import(${JSON.stringify(LIBRARY)});
  const { code } = await Ipvs.open().then(() => ({}), (error) => error);
  const { readFileSync } = await import('node:fs');
  const [mapped] = /\\S*ipvs[^/]*\\.node/.exec(readFileSync('/proc/self/maps', 'utf8')) ?? [];
  console.log(JSON.stringify({ arch: process.arch, mapped, code }));`;

describe('the binary for glibc on arm64', function () {
  this.timeout(120_000);

  it('is loaded by Node, and says why there is no IPVS under emulation of a process', () => {
    const node = onArm64('usr/bin/node');
    const { status, stdout, stderr } = start([...node, '--input-type=module', '--eval', PROGRAM], {
      PREBUILDS_ONLY: '1',
    });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const { arch, mapped, code = '' } = JSON.parse(stdout) as Record<string, string>;
    const published = join(PACKAGE_ROOT, 'prebuilds/linux-arm64/ipvs.glibc.node');
    assert.deepEqual({ arch, mapped }, { arch: 'arm64', mapped: published });
    // The errno of a system call that the emulation lacks: our C++ ran, and threw nothing.
    assert.match(code, /^(?:EINVAL|EPROTONOSUPPORT)$/);
  });
});
