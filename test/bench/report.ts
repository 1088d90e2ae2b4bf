/** The figures and the comparisons as text. */
import type { Figure, Measured } from './figures.js';
import { median, spread } from './statistics.js';
import type { Row } from './targets.js';

/** Three digits tell enough. */
function short(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value === 0 || !Number.isFinite(value)
    ? String(value)
    : value.toFixed(Math.min(digits, 3));
}

function columns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function figureLine({ work, size, contender, unit, runs, cold, note }: Figure): string[] {
  return [
    work,
    size,
    contender,
    `${short(median(runs))} ${unit}`,
    spread(runs).map(short).join(' to '),
    cold === undefined ? '' : short(cold),
    note ?? '',
  ];
}

function rowLine({ work, size, ours, peer, ratio, target, met }: Row): string[] {
  const verdict = met === null ? '' : met ? 'met' : 'MISSED';
  return [
    work,
    size,
    short(ours),
    short(peer),
    short(ratio),
    target === null ? '' : short(target),
    verdict,
  ];
}

/** What each contender took: medians, their spread, and the first round of a process. */
export function formatFigures({ figures }: Measured): string {
  const heading = ['work', 'size', 'contender', 'median', 'spread', 'cold', ''];
  return columns([heading, ...figures.map(figureLine)]);
}

/** Ours beside what is to be reached: the ratio is how many times as good we are. */
export function formatRows(rows: readonly Row[]): string {
  const heading = ['ours beside', 'size', 'ours', 'peer', 'ratio', 'target', ''];
  return columns([heading, ...rows.map(rowLine)]);
}

/** All comparisons as one line of JSON. */
export function formatJson(rows: readonly Row[]): string {
  return JSON.stringify({ rows });
}
