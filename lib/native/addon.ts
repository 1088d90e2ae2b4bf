/** The one description of the native surface. */
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { IpvsError } from '../errors.js';
import { layout } from './layout.js';
import { loadAddon } from './load.js';

/**
 * The door to the kernel: a generic-netlink socket in one network namespace. Each method but `close`
 * is one job on libuv's thread pool, and there is at most one at a time.
 */
export interface Door {
  /** Opens the socket and resolves the family; a reply without rows. */
  open(): Promise<ArrayBuffer>;
  /** Executes packed commands in order; a reply with a result for each that was executed. */
  transact(commands: Uint8Array): Promise<ArrayBuffer>;
  /** Reads all rows that one packed command asks for. */
  dump(command: Uint8Array): Promise<ArrayBuffer>;
  /**
   * Another door into the same namespace, for a list that is read page by page: between two pages
   * nothing else may be asked. No job may be under way.
   */
  fork(): Door;
  /** The first page of the list that one packed command asks for; one without rows is the end. */
  beginList(command: Uint8Array): Promise<ArrayBuffer>;
  /** The next page. */
  continueList(): Promise<ArrayBuffer>;
  /**
   * Opens a file as the namespace shows it, for reading or else for writing; takes no socket. A reply
   * with the outcome where that fails.
   */
  openFile(path: string, writing: boolean): Promise<OpenFile | ArrayBuffer>;
  /** The names in a folder as the namespace shows it, each with a NUL behind it. */
  list(path: string): Promise<ArrayBuffer>;
  /** Closes the socket and lets go of the namespace. Files stay open. */
  close(): void;
}

/** An open file. At most one job at a time; it closes when nobody holds it any more. */
export interface OpenFile {
  /** The next piece, of at most 64 KiB, behind a reply's header; an empty one is the end. */
  read(): Promise<ArrayBuffer>;
  /** Writes all of it at once; a reply without rows. */
  write(bytes: Uint8Array): Promise<ArrayBuffer>;
  close(): void;
}

interface Addon {
  readonly Client: new (namespacePath: string | null, timeoutMilliseconds: number) => Door;
  readonly layout: unknown;
}

const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function load(): Addon {
  const addon = loadAddon(PACKAGE_ROOT) as Addon;
  if (!isDeepStrictEqual(addon.layout, layout)) {
    throw new IpvsError(
      'The native part of ipvs is of another version than its JavaScript: records differ. ' +
        'Install the package again, or build it again from source.',
      { code: 'ERR_IPVS_ADDON_NOT_LOADED', reason: 'addon-not-loaded' },
    );
  }
  return addon;
}

let loaded: Addon | undefined;

/** A door that is not open yet; null is the calling thread's own namespace. */
export function createDoor(namespacePath: string | null, timeout: number): Door {
  if (process.platform !== 'linux') {
    throw new IpvsError(
      `IPVS is a part of the Linux kernel; this is ${process.platform}. ` +
        'Importing the package works here, opening a client does not.',
      { code: 'ERR_IPVS_UNSUPPORTED_PLATFORM', reason: 'unsupported-platform' },
    );
  }
  loaded ??= load();
  return new loaded.Client(namespacePath, timeout);
}
