/** Links between the pages of this repository: nobody sees otherwise that a file was moved or a heading changed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'mocha';

const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { encoding: 'utf8' })
  .split('\0')
  .filter((name) => name !== '');

/** The text without what is code. */
function prose(page: string): string {
  return readFileSync(page, 'utf8')
    .replace(/^```.*?^```$/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(page: string): Set<string> {
  const headings = prose(page).match(/^#+ .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** What a page links to in this repository: the file, and the heading in it. */
function linksOf(page: string): { link: string; file: string; anchor: string }[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = '', anchor = ''] = link.split('#');
      return { link, file: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

describe('links between pages', () => {
  for (const page of pages) {
    it(`of ${page} lead somewhere`, () => {
      const dead = linksOf(page).filter(
        ({ file, anchor }) =>
          !existsSync(file) ||
          (anchor !== '' && file.endsWith('.md') && !anchors(file).has(anchor)),
      );
      assert.deepEqual(
        dead.map(({ link }) => link),
        [],
      );
    });
  }

  it('are seen', () => {
    const links = linksOf('README.md').map(({ link }) => link);
    assert.ok(links.includes('docs/guide.md') && links.includes('#the-lab'), links.join(' '));
  });
});
