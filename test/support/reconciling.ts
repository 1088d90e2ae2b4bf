/** A reconciler under test: what it tells, and a table to keep. */
import {
  type ApplyReport,
  type Change,
  type DesiredService,
  type DestinationInput,
  type DrainedDestination,
  type Ipvs,
  Reconciler,
  type ReconcilerOptions,
} from 'ipvs';

/** A destination that masquerades, at port 80. */
export function real(address: string, weight = 1): DestinationInput {
  return { address, port: 80, forwarding: 'masquerade', weight };
}

/** A TCP service at port 80. */
export function web(
  address: string,
  destinations: readonly DestinationInput[],
  scheduler = 'wrr',
): DesiredService {
  return { protocol: 'tcp', address, port: 80, scheduler, destinations };
}

/** A change in a few words. */
export function words({ action, key }: Change): string {
  return `${action} ${key.destination ?? key.service}`;
}

/** What a reconciler told, in order. */
export class Told {
  readonly applied: ApplyReport[] = [];
  readonly failed: Error[] = [];
  readonly drift: ApplyReport[] = [];
  readonly drained: DrainedDestination[] = [];
  readonly forced: DrainedDestination[] = [];

  constructor(reconciler: Reconciler) {
    reconciler
      .on('applied', (report) => this.applied.push(report))
      .on('failed', (error) => this.failed.push(error))
      .on('drift', (report) => this.drift.push(report))
      .on('drained', (destination) => this.drained.push(destination))
      .on('forced', (destination) => this.forced.push(destination));
  }
}

/** Runs `body` with a reconciler, which ends with it. */
export async function withReconciler(
  ipvs: Ipvs,
  options: Omit<ReconcilerOptions, 'scope'> & Partial<Pick<ReconcilerOptions, 'scope'>>,
  body: (reconciler: Reconciler, told: Told) => Promise<void>,
): Promise<void> {
  const defaults = { scope: 'everything', delay: 10, maxRemovals: 1, drainInterval: 50 } as const;
  const reconciler = new Reconciler(ipvs, { ...defaults, ...options });
  try {
    await body(reconciler, new Told(reconciler));
  } finally {
    await reconciler.stop();
  }
}
