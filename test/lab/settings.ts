import { notRun } from './failure.js';

export type Kind = 'host' | 'uml' | 'qemu' | 'qemu-arm64';

export interface Settings {
  /** The kind that the user insists on; else the lab chooses. */
  readonly kind: Kind | undefined;
  readonly timeoutSeconds: number;
  /** Memory of a guest, as its kernel takes it (`1G`); else each kind has its own default. */
  readonly memory: string | undefined;
  /** Further words of a guest kernel's command line. */
  readonly parameters: readonly string[];
}

const kinds: readonly string[] = ['host', 'uml', 'qemu', 'qemu-arm64'] satisfies Kind[];

function isKind(word: string): word is Kind {
  return kinds.includes(word);
}

/** setTimeout takes no more than 2^31 milliseconds, 24 days. */
const longestTimeout = 2_000_000;

/** An empty variable counts as unset, as in most programs that read variables. */
function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

function readTimeout(value: string): number {
  const seconds = Number(value);
  if (!/^\d+$/.test(value) || seconds < 1 || seconds > longestTimeout) {
    throw notRun(
      `IPVS_LAB_TIMEOUT must be a whole number of seconds from 1 to ${longestTimeout}, not '${value}'`,
    );
  }
  return seconds;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const kind = variable(env, 'IPVS_LAB');
  if (kind !== undefined && !isKind(kind)) {
    throw notRun(`IPVS_LAB must be one of ${kinds.join(', ')}, or unset, not '${kind}'`);
  }
  const memory = variable(env, 'IPVS_LAB_MEMORY');
  if (memory !== undefined && !/^[1-9]\d*[MG]$/.test(memory)) {
    throw notRun(`IPVS_LAB_MEMORY must be a size such as 512M or 4G, not '${memory}'`);
  }
  const parameters = (variable(env, 'IPVS_LAB_PARAMETERS') ?? '').split(' ').filter(Boolean);
  return {
    kind,
    timeoutSeconds: readTimeout(variable(env, 'IPVS_LAB_TIMEOUT') ?? '600'),
    memory,
    parameters,
  };
}
