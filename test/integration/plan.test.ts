/** Plans on the kernel's own table: made of a snapshot, carried out call by call, seen by ipvsadm. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Change,
  type DesiredService,
  type Ipvs,
  parseDestinationKey,
  parseServiceKey,
  plan,
  type Service,
} from 'ipvs';
import { describe, it } from 'mocha';
import { entries, turn } from '../support/desired.js';
import { inNamespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { writeAll } from '../support/witness.js';

async function carryOut(ipvs: Ipvs, change: Change): Promise<void> {
  const of = parseServiceKey(change.key.service);
  const real = parseDestinationKey(change.key.destination ?? '0.0.0.0:0');
  switch (change.action) {
    case 'add-service': {
      await ipvs.addService({ ...of, ...change.to } as Service);
      return;
    }
    case 'edit-service': {
      await ipvs.setService({ ...of, ...change.to } as Service);
      return;
    }
    case 'delete-service': {
      await ipvs.deleteService(of);
      return;
    }
    case 'add-destination': {
      await ipvs.addDestination(of, { ...real, ...change.to });
      return;
    }
    case 'edit-destination':
    case 'drain-destination': {
      await ipvs.setDestination(of, { ...real, ...change.to });
      return;
    }
    case 'delete-destination': {
      await ipvs.deleteDestination(of, real);
      return;
    }
  }
}

describe('a plan', () => {
  it(
    'of a snapshot, carried out, makes the table what is desired, in which nothing is to change then',
    inNamespace(async (ns, ipvs) => {
      const property = fc.asyncProperty(turn, async ({ before, desired }) => {
        await ipvs.flush();
        await writeAll(ipvs, entries(before));
        const found = await ipvs.snapshot();
        assert.deepEqual(plan(before, found, { scope: 'everything' }), []);
        const changes = plan(desired, found, { scope: 'everything' });
        await Promise.all(
          changes.map(async (each) => {
            await carryOut(ipvs, each);
          }),
        );
        await ns.assertHolds(entries(desired));
        const after = await ipvs.snapshot({ stats: false });
        assert.deepEqual(plan(desired, after, { scope: 'everything' }), []);
        assert.deepEqual(plan(after, await ipvs.snapshot(), { scope: 'everything' }), []);
      });
      await fc.assert(property, { numRuns: 4 });
    }),
  ).timeout(120_000 * patience);

  it(
    'leaves what ipvsadm made outside its scope, and takes it over inside',
    inNamespace(async (ns, ipvs) => {
      await ns.ipvsadm('-A', '-t', '10.1.0.1:80', '-s', 'rr');
      await ns.ipvsadm('-a', '-t', '10.1.0.1:80', '-r', '10.9.0.1:80', '-m', '-w', '5');
      await ns.ipvsadm('-A', '-t', '10.2.0.1:80', '-s', 'rr');
      await ns.ipvsadm('-a', '-t', '10.2.0.1:80', '-r', '10.9.0.1:80', '-m');
      const desired: DesiredService[] = [
        {
          ...{ protocol: 'tcp', address: '10.1.0.1', port: 80, scheduler: 'wlc' },
          destinations: [{ address: '10.9.0.1', port: 80, forwarding: 'masquerade', weight: 6 }],
        },
      ];
      const changes = plan(desired, await ipvs.snapshot(), { scope: ['10.1.0.0/16'] });
      for (const each of changes) await carryOut(ipvs, each);
      assert.equal(
        await ns.ipvsadm('-Sn'),
        [
          '-A -t 10.1.0.1:80 -s wlc',
          '-a -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 6',
          '-A -t 10.2.0.1:80 -s rr',
          '-a -t 10.2.0.1:80 -r 10.9.0.1:80 -m -w 1',
          '',
        ].join('\n'),
      );
    }),
  );
});
