/** The workflows on GitHub: nothing runs in them that can be changed from outside, nor with rights it does not need. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

const FOLDER = '.github/workflows';

/** The parts of a workflow that define a job each, by name. */
function jobsOf(text: string): Map<string, string> {
  const [, jobs = ''] = text.split(/^jobs:\n/m);
  const parts = jobs.split(/^ {2}([\w-]+):\n/m).slice(1);
  return new Map(parts.flatMap((name, at) => (at % 2 === 0 ? [[name, parts[at + 1] ?? '']] : [])));
}

describe('workflows', () => {
  for (const name of readdirSync(FOLDER)) {
    const text = readFileSync(`${FOLDER}/${name}`, 'utf8');

    it(`${name} pins every action by its commit, and says which version that is`, () => {
      const uses = [...text.matchAll(/^.*\buses: *(.*)$/gm)].map(([, what = '']) => what);
      assert.notEqual(uses.length, 0);
      for (const what of uses) {
        if (what.startsWith('./')) assert.ok(existsSync(what), what);
        else assert.match(what, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      }
    });

    it(`${name} gives no rights but those that a job asks for`, () => {
      assert.match(text, /^permissions: \{\}$/m);
      const jobs = jobsOf(text);
      assert.notEqual(jobs.size, 0);
      for (const [job, body] of jobs) assert.match(body, /^ {4}permissions:$/m, job);
      assert.doesNotMatch(text, /write-all|pull_request_target/);
    });

    it(`${name} runs scripts that there are`, () => {
      const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
        scripts: Record<string, string>;
      };
      for (const [, script = ''] of text.matchAll(/npm run (?:--silent )?([\w:]+)/g))
        assert.ok(scripts[script] !== undefined, script);
    });
  }
});
