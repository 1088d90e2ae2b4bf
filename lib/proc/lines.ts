import type { Files } from './files.js';
import type { FileSubject } from './failures.js';

/**
 * The lines of a file, each byte as the character of its number, in groups as they were read: a group
 * costs one step of an asynchronous loop, and a file may have a million lines.
 */
export async function* lineGroups(
  files: Files,
  subject: FileSubject,
): AsyncGenerator<string[], void, void> {
  let rest = '';
  for await (const piece of files.chunks(subject)) {
    const lines = `${rest}${Buffer.from(piece).toString('latin1')}`.split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}
