/** Random tables, ours compared with ipvsadm's. fast-check prints seed and path of a failure. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Destination, formatKey, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { destination, service } from '../support/arbitraries.js';
import { inNamespace, withNamespace } from '../support/netns.js';
import { asIpvsadmLists, readAll, type TableEntry, writeAll } from '../support/witness.js';

const SETTINGS = {
  numRuns: 4,
  // Enough to make a failing table smaller, and less than the patience of the runner.
  interruptAfterTimeLimit: 20_000,
};

function withDestinations(each: Service, most: number): fc.Arbitrary<TableEntry> {
  return fc
    .uniqueArray(destination(each), { maxLength: most, selector: formatKey })
    .map((destinations) => ({ service: each, destinations }));
}

/** A table of up to a hundred services with a few destinations each. */
const table: fc.Arbitrary<TableEntry[]> = fc
  .uniqueArray(service, { minLength: 60, maxLength: 100, selector: formatKey, size: 'max' })
  .chain((services) => fc.tuple(...services.map((each) => withDestinations(each, 5))));

/**
 * What is left of a destination after `ipvsadm -S` and `-R`: no thresholds, `local` has become
 * `direct`, and a destination that is not masqueraded has the port of its service.
 */
function afterRestore(of: Service, each: Destination): Destination {
  const { upperThreshold, lowerThreshold, ...rest } = each;
  assert.ok((lowerThreshold ?? 0) <= (upperThreshold ?? 0));
  const forwarding = rest.forwarding === 'local' ? 'direct' : rest.forwarding;
  const port = forwarding === 'masquerade' || of.fwmark !== undefined ? rest.port : of.port;
  return { ...rest, forwarding, port };
}

/** Whether ipvsadm can save a service and restore it. */
function canBeSaved({ fwmark, scheduler, schedulerFlags = [], persistence }: Service): boolean {
  // A mark beyond 2^31 is printed with a minus; so long a timeout is refused.
  if ((fwmark ?? 0) >= 2 ** 31 || (persistence?.timeout ?? 0) > 2_678_400) return false;
  // These two have no name for flag-3.
  return !(['sh', 'mh'].includes(scheduler) && schedulerFlags.includes('flag-3'));
}

function restorable({ service: of, destinations }: TableEntry): TableEntry {
  const left = new Map<string, Destination>();
  for (const each of destinations as Destination[]) {
    // Two that differed in their port alone may meet.
    const key = formatKey(afterRestore(of as Service, each));
    if (!left.has(key)) left.set(key, each);
  }
  return { service: of, destinations: [...left.values()] };
}

describe('random tables', () => {
  it(
    'that we wrote are read by ipvsadm as written, and by us as ipvsadm reads them',
    inNamespace(async (ns, ipvs) => {
      const property = fc.asyncProperty(table, async (entries) => {
        await ipvs.flush();
        await writeAll(ipvs, entries);
        const listed = await ns.table();
        assert.deepEqual(listed, asIpvsadmLists(entries));
        assert.deepEqual(asIpvsadmLists(await readAll(ipvs)), listed);
      });
      await fc.assert(property, SETTINGS);
    }),
  );

  it(
    'that ipvsadm saved of ours and restored elsewhere are read by us as written',
    inNamespace(async (ns, ipvs) => {
      await withNamespace(async (other) => {
        const copy = await other.open();
        const property = fc.asyncProperty(table, async (entries) => {
          const kept = entries
            .filter((entry) => canBeSaved(entry.service as Service))
            .map(restorable);
          await Promise.all([ipvs.flush(), copy.flush()]);
          await writeAll(ipvs, kept);
          await other.restore(await ns.ipvsadm('-Sn'));
          const expected = kept.map(({ service: of, destinations }) => ({
            service: of,
            destinations: destinations.map((each) =>
              afterRestore(of as Service, each as Destination),
            ),
          }));
          assert.deepEqual(asIpvsadmLists(await readAll(copy)), asIpvsadmLists(expected));
        });
        await fc.assert(property, SETTINGS);
      });
    }),
  );

  it(
    'that are set over one another leave nothing of the one before',
    inNamespace(async (ns, ipvs) => {
      const keys = { protocol: 'udp', address: '10.0.0.1' } as const;
      const definition = (port: number) =>
        service
          .filter((each) => each.protocol === 'udp' && !each.address.includes(':'))
          .map((each) => ({ ...each, ...keys, port }) as Service);
      const pairs = fc.tuple(
        ...Array.from({ length: 40 }, (_, index) =>
          definition(1 + index).chain((first) =>
            fc.tuple(
              fc.tuple(fc.constant(first), destination(first)),
              definition(1 + index).chain((second) =>
                fc.tuple(fc.constant(second), destination(second)),
              ),
            ),
          ),
        ),
      );
      const property = fc.asyncProperty(pairs, async (each) => {
        await ipvs.flush();
        const steps = each.map(([[before, first], [after, second]]) => {
          const { address, port } = first;
          // The key stays, and with it what it takes: another family takes a tunnel.
          const method = address.includes(':') ? ({ forwarding: 'tunnel' } as const) : {};
          return { before, first, after, last: { ...second, address, port, ...method } };
        });
        await Promise.all(
          steps.flatMap(({ before, first, after, last }) => [
            ipvs.addService(before),
            ipvs.addDestination(before, first),
            ipvs.setService(after),
            ipvs.setDestination(after, last),
          ]),
        );
        await ns.assertHolds(
          steps.map(({ after, last }) => ({ service: after, destinations: [last] })),
        );
      });
      await fc.assert(property, SETTINGS);
    }),
  );
});
