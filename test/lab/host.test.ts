import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bootingTimeout, lab, labProgram } from './support.js';

const modules = 'rr wrr lc wlc lblc lblcr dh sh sed nq mh fo ovf pe_sip'
  .split(' ')
  .map((name) => `ip_vs_${name}`)
  .join(' ');

describe('the lab on a host whose own kernel has IPVS', function () {
  this.timeout(2 * bootingTimeout);

  it('asks for the modules it would load, and with them leaves the host as it was', async function () {
    if (process.env['IPVS_LAB'] === 'host') this.skip();
    const inner = `"${process.execPath}" "${labProgram}"`;
    const { status, stdout, stderr } = await lab([
      'sh',
      '-c',
      `export IPVS_LAB=host
      ${inner} true 2>&1; echo "refused $?"
      modprobe -a ${modules}
      ipvsadm -A -t 10.9.9.9:9 -s rr
      cat /proc/modules >/run/before
      ${inner} sh -c '
        ipvsadm -A -t 10.0.0.1:80 -s sh; ipvsadm -Sn; ip netns add inside; ip netns
        echo $IPVS_LAB_KIND; ls /sys/class/net; sleep 100 & echo x >/dev/stderr; exit 7'
      echo "status $?"
      cat /proc/modules | cut -d ' ' -f 1 >/run/after
      cut -d ' ' -f 1 /run/before | cmp - /run/after
      ipvsadm -Sn; ip netns; pgrep sleep; ls /tmp | grep "^ipvs-lab" | wc -l`,
    ]);
    assert.equal(stderr.toString(), 'x\n');
    assert.match(
      stdout.toString(),
      /^lab: [^]*\nmodprobe -a ip_vs_rr [^]* ip_vs_pe_sip\nrefused 125\n/,
    );
    assert.match(
      stdout.toString(),
      /refused 125\n-A -t 10.0.0.1:80 -s sh\ninside\nhost\n[^]*lo\n[^]*status 7\n-A -t 10.9.9.9:9 -s rr\n\d+\n$/,
    );
    assert.equal(status, 0);
  });
});
