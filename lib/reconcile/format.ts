/** A plan for people to read. */
import type { Change, ChangeKey } from './plan-model.js';

const SIGNS: Readonly<Record<Change['action'], string>> = {
  'add-service': '+',
  'add-destination': '+',
  'edit-destination': '~',
  'edit-service': '~',
  'drain-destination': '~',
  'delete-destination': '-',
  'delete-service': '-',
};

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([name, each]) => `${name}=${show(each)}`);
  return `{${parts.join(' ')}}`;
}

function isPlain(value: unknown): boolean {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

/** Destinations without limits, which most are, say so by two zeros. */
const THRESHOLDS = new Set(['upperThreshold', 'lowerThreshold']);

function isLimited(definition: object): boolean {
  return Object.entries(definition).some(([name, value]) => THRESHOLDS.has(name) && value !== 0);
}

/** What is said of a definition by itself: all of it, but for what is as usual. */
function whole(definition: object): string {
  const limited = isLimited(definition);
  return Object.entries(definition)
    .filter(([name, value]) => !isPlain(value) && (limited || !THRESHOLDS.has(name)))
    .map(([name, value]) => `${name}=${show(value)}`)
    .join(' ');
}

/** What is said of two: where they differ. */
function difference(from: object, to: object): string {
  const [before, after] = [from, to] as Readonly<Record<string, unknown>>[];
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names]
    .filter((name) => show(before?.[name]) !== show(after?.[name]))
    .map((name) => `${name}=${show(before?.[name])}->${show(after?.[name])}`)
    .join(' ');
}

/** One text for what a change is about: a service, or a destination of it. */
export function formatChangeKey({ service, destination }: ChangeKey): string {
  return destination === undefined ? service : `${service} > ${destination}`;
}

function line(change: Change): string {
  const { action, key } = change;
  const what =
    'from' in change && 'to' in change
      ? difference(change.from, change.to)
      : whole('to' in change ? change.to : change.from);
  const name = formatChangeKey(key);
  return `${SIGNS[action]} ${name}  ${what}${action === 'drain-destination' ? '  (drain)' : ''}`;
}

/**
 * A plan as a text, like a diff: a line for each change, in their order, that begins with `+` (add), `~`
 * (edit, drain) or `-` (delete). Of an edit it has only what becomes another. Empty for a plan without
 * changes. For people; its form may change with any version.
 */
export function formatPlan(changes: readonly Change[]): string {
  return changes.map((change) => `${line(change)}\n`).join('');
}
