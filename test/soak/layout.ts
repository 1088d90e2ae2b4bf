/** Who writes what: writers by number, the services of each by {@link keysOf}. */
import { keysOf, type Keys } from './generate.js';

/** Worker threads, each with a client in each namespace. */
export const THREADS = 2;
export const NAMESPACES = 2;

const SERVICES = 24;
const DESTINATIONS = 5;

/** The number of a thread's writer in a namespace. */
export function writerOf(thread: number, namespace: number): number {
  return thread * NAMESPACES + namespace;
}

/** The number of the writer in a namespace that is ipvsadm. */
export function ipvsadmIn(namespace: number): number {
  return THREADS * NAMESPACES + namespace;
}

/** The services that one writer alone writes. */
export function ownKeys(writer: number): Keys {
  return keysOf(writer, SERVICES, DESTINATIONS);
}

/** The services that everybody writes, in each namespace. */
export const CONTESTED = keysOf(THREADS * NAMESPACES + NAMESPACES, 4, 3);

/** The numbers of the writers in a namespace. */
export function writersIn(namespace: number): number[] {
  const threads = Array.from({ length: THREADS }, (_, thread) => writerOf(thread, namespace));
  return [...threads, ipvsadmIn(namespace)];
}

/** All services of a namespace. */
export function everybodysKeys(namespace: number): Keys[] {
  return [...writersIn(namespace).map(ownKeys), CONTESTED];
}
