/** The table that every contender makes and lists; native/table.h has the same. */
import type { Destination, Service } from 'ipvs';

/** How many services, and how many destinations each of them has. */
export interface Size {
  readonly services: number;
  readonly destinations: number;
}

/** A service and its destinations, as they are passed to our methods. */
export interface Entry {
  readonly service: Service & { readonly address: string; readonly port: number };
  readonly destinations: readonly Destination[];
}

const FIRST_SERVICE = 0x0a000001; // 10.0.0.1
const FIRST_DESTINATION = 0xac100001; // 172.16.0.1

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** As people say it. */
export function sizeName({ services, destinations }: Size): string {
  return `${services}x${destinations}`;
}

/** How many commands make the table, and how many rows list it. */
export function rowsOf({ services, destinations }: Size): number {
  return services * (1 + destinations);
}

/** The whole table. */
export function tableOf(size: Size): Entry[] {
  return Array.from({ length: size.services }, (_, service) => ({
    service: {
      protocol: 'tcp',
      address: dotted(FIRST_SERVICE + service),
      port: 80,
      scheduler: 'rr',
    },
    destinations: Array.from({ length: size.destinations }, (_each, destination) => ({
      address: dotted(FIRST_DESTINATION + service * size.destinations + destination),
      port: 8080,
      forwarding: 'masquerade',
      weight: 1,
    })),
  }));
}

/** The same for `ipvsadm -R`. */
export function rulesOf(size: Size): string {
  return tableOf(size)
    .flatMap(({ service, destinations }) => {
      const name = `${service.address}:${service.port}`;
      return [
        `-A -t ${name} -s ${service.scheduler}`,
        ...destinations.map(
          ({ address, port, weight }) => `-a -t ${name} -r ${address}:${port} -m -w ${weight}`,
        ),
      ];
    })
    .join('\n')
    .concat('\n');
}
