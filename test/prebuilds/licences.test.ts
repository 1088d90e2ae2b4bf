/** The licences that the compiler and libnl came with are those that are passed on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { zigFolder } from './zig.js';

const LICENCES = readFileSync('THIRD-PARTY-LICENSES', 'utf8');

describe('the licences that are passed on', () => {
  for (const path of [
    'build/libnl/source/COPYING',
    join(zigFolder, 'LICENSE'),
    join(zigFolder, 'lib/libc/musl/COPYRIGHT'),
    join(zigFolder, 'lib/libcxx/LICENSE.TXT'),
  ]) {
    it(`have the first paragraphs of ${path}`, () => {
      // A text may go on with the licences of tests and tools, and be set between ruled lines.
      const paragraphs = readFileSync(path, 'utf8')
        .split(/\n[-=\s]*\n/)
        .map((paragraph) => paragraph.replaceAll(/^[-=\s]{20,}\n|\n[-=\s]{20,}$/gm, '').trim())
        .filter((paragraph) => paragraph.length > 60);
      for (const paragraph of paragraphs.slice(0, 3)) {
        assert.ok(LICENCES.includes(paragraph), paragraph);
      }
    });
  }
});
