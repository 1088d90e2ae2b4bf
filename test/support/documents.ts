/** The programs that stand in documents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './child.js';

/** What a document marks as being in one of these languages, in order. */
export function piecesOf(document: string, ...languages: readonly string[]): string[] {
  const text = readFileSync(join(PACKAGE_ROOT, document), 'utf8');
  const blocks = new RegExp(`^\`\`\`(?:${languages.join('|')})\\n([^]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(blocks)].map(([, block = '']) => block);
}
