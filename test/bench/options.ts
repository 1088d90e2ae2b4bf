import { parseArgs } from 'node:util';
import { type Work, WORKS } from './figures.js';
import type { Plan } from './plan.js';
import type { Size } from './table.js';

/** What the command line asks for. */
export interface Options extends Plan {
  /** Kinds of the lab, one boot each; and `native`, the floor on the host itself. */
  readonly kernels: readonly string[];
  readonly json: boolean;
}

export const usage = `usage: npm run bench -- [OPTION]...

  --kernel KIND    uml, qemu or host (test/lab/README.md), or native: the floor on this machine
                   itself, which needs no kernel; may be repeated. All but host by default
  --work NAME      ${WORKS.join(', ')}; may be repeated
  --size NUMBER    of services, with 10 destinations each; may be repeated. 100, 1000, 10000 by default
  --rounds NUMBER  5 by default
  --quick          one size, 1000, and three rounds, for use while developing
  --cpu-profile    our own process writes profiles into build/bench
  --json           the last line is a JSON object with all comparisons`;

const KERNELS = ['native', 'uml', 'qemu', 'host'] as const;
const DEFAULT_KERNELS = ['native', 'uml', 'qemu'];
const DESTINATIONS = 10;
/** The addresses of destinations are taken from 172.16.0.0/12. */
const MOST_SERVICES = 100_000;

/** Where profiles go. */
export const PROFILES = 'build/bench';

function oneOf<Word extends string>(option: string, words: readonly Word[], word: string): Word {
  const found = words.find((each) => each === word);
  if (found === undefined) throw new RangeError(`--${option} is one of ${words.join(', ')}`);
  return found;
}

function positive(option: string, text: string, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new RangeError(`--${option} is a whole number from 1 to ${most}`);
}

function sizeOf(services: number): Size {
  return { services, destinations: DESTINATIONS };
}

/** Throws where the command line asks for what is not there. */
export function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      kernel: { type: 'string', multiple: true },
      work: { type: 'string', multiple: true },
      size: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'cpu-profile': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const sizes = values.size ?? (values.quick ? ['1000'] : ['100', '1000', '10000']);
  return {
    kernels: (values.kernel ?? DEFAULT_KERNELS).map((each) => oneOf('kernel', KERNELS, each)),
    works: (values.work ?? WORKS).map((each): Work => oneOf('work', WORKS, each)),
    sizes: sizes.map((each) => sizeOf(positive('size', each, MOST_SERVICES))),
    rounds: positive('rounds', values.rounds ?? (values.quick ? '3' : '5'), 1000),
    nodeOptions: values['cpu-profile'] ? ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`] : [],
    json: values.json,
  };
}
