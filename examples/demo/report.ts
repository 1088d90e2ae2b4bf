/** What the demo says on its way. */

/** Prints one step of the story, with the seconds since the demo began. */
export function step(text: string): void {
  const seconds = (performance.now() / 1000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${text}`);
}

/** Prints something to look at, below the step that it belongs to. */
export function show(lines: readonly string[]): void {
  for (const line of lines) console.log(`         ${line}`.trimEnd());
}

/** A row of cells, the first to the left, the others to the right of their columns. */
export function row(first: string, ...others: readonly (string | number)[]): string {
  return first.padEnd(10) + others.map((cell) => String(cell).padStart(10)).join('');
}
