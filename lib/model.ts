/**
 * The domain: virtual services, destinations (real servers), and what the kernel observed of them.
 * Types only. Names are those of the kernel and ipvsadm, spelt out. On input an optional field that is
 * `undefined` counts as unmentioned.
 *
 * Two kinds of types go together: {@link Service} and {@link Destination} are what a caller
 * defines; {@link ServiceEntry} and {@link DestinationEntry} are what the kernel's table holds. An
 * entry is the same shape, complete, plus observations, and can be passed in again.
 */
export type * from './model/destination.js';
export type * from './model/kernel.js';
export type * from './model/options.js';
export type * from './model/proc.js';
export type * from './model/service.js';
export type * from './model/sync-daemon.js';
export type * from './model/table.js';
