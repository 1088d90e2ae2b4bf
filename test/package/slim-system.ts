/**
 * The file system of a slim container: Node.js, the libraries that it is linked with, and an app. There is
 * neither a compiler nor a shell, and no libnl.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Line, lines, nodeOf } from './tools.js';
import { newFolder } from './work.js';

/** Where a line's program lies in the system. */
export function nodeInside(line: Line): string {
  return `/usr/local/${line}/bin/node`;
}

/** The libraries that the loader takes for a program, the loader among them. */
function librariesOf(program: string): string[] {
  const listing = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listing.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = '']) => path);
}

/** Makes one around an app; its root folder. */
export function makeSlimSystem(app: string): string {
  const root = newFolder('slim');
  mkdirSync(join(root, 'proc'));
  for (const line of lines) {
    place(root, nodeInside(line), nodeOf(line), linkSync);
    for (const library of librariesOf(nodeOf(line))) {
      if (!existsSync(join(root, library))) place(root, library, library, copyFileSync);
    }
  }
  cpSync(app, join(root, 'app'), { recursive: true });
  return root;
}

function place(
  root: string,
  path: string,
  source: string,
  put: (from: string, to: string) => void,
): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  put(source, join(root, path));
}
