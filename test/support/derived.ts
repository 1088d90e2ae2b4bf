/** Desired states as kube-proxy derives them, in short, and the tables that they become by ipvsadm's word. */
import assert from 'node:assert/strict';
import {
  type ApplyOptions,
  type DesiredState,
  type DestinationInput,
  type Ipvs,
  parseDestinationKey,
  parseServiceKey,
  type Service,
} from 'ipvs';
import type { Namespace } from './netns.js';
import { words } from './reconciling.js';

/** `tcp 10.0.0.1:80`, its real servers, and what it has besides. */
export type Row = readonly [
  service: string,
  reals: readonly string[],
  rest?: Partial<Pick<Service, 'scheduler' | 'persistence'>>,
];

const FLAGS: Readonly<Record<string, string>> = { tcp: '-t', udp: '-u', sctp: '--sctp-service' };

/** The desired state that it stands for. */
export function desire(rows: readonly Row[]): DesiredState {
  return rows.map(([service, reals, rest]) => ({
    ...(parseServiceKey(service) as Service),
    ...{ scheduler: 'rr', ...rest },
    destinations: reals.map((real): DestinationInput => ({
      ...parseDestinationKey(real),
      forwarding: 'masquerade',
    })),
  }));
}

/** The rules that ipvsadm saves for it. */
export function rules(rows: readonly Row[]): string[] {
  return rows
    .flatMap(([service, reals, { scheduler = 'rr', persistence } = {}]) => {
      const [protocol = '', endpoint = ''] = service.split(' ');
      const of = `${FLAGS[protocol] ?? ''} ${endpoint}`;
      const persistent = persistence === undefined ? '' : ` -p ${persistence.timeout}`;
      return [
        `-A ${of} -s ${scheduler}${persistent}`,
        ...reals.map((real) => `-a ${of} -r ${real} -m -w 1`),
      ];
    })
    .sort();
}

/** The rules that ipvsadm saves of the kernel's table, sorted. */
export async function saved(ns: Namespace): Promise<string[]> {
  return (await ns.ipvsadm('-Sn'))
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** Everything may go. */
export const ALL = { scope: 'everything', maxRemovals: 1, allowEmpty: true } as const;

/** Applies it and asserts that the table is that, with nothing left to do; tells what was done. */
export async function becomes(
  ns: Namespace,
  ipvs: Ipvs,
  rows: readonly Row[],
  options: ApplyOptions = ALL,
): Promise<string[]> {
  const { applied } = await ipvs.apply(desire(rows), options);
  assert.deepEqual(await saved(ns), rules(rows));
  assert.deepEqual((await ipvs.apply(desire(rows), { ...options, dryRun: true })).planned, []);
  return applied.map(words);
}
