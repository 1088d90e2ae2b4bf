/**
 * Continuous integration: nothing runs in the workflows on GitHub that can be changed from outside, nor with rights
 * it does not need; whatever tests there are run somewhere; and what only a release or another system would run works.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'mocha';

const FOLDER = '.github/workflows';

const workflow = (name: string): string => readFileSync(`${FOLDER}/${name}.yml`, 'utf8');

/** The scripts of package.json, by name. */
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
};

/** What a text runs of them. */
function scriptsIn(text: string): string[] {
  const named = text.matchAll(/npm run (?:--silent |-s )?([\w:]+)|npm (test)\b/g);
  return [...named].map(([, script, test]) => script ?? test ?? '');
}

/** The commands of .ci/run. */
function tasks(): string {
  const [, list = ''] = /<<'TASKS'\n(.*?)^TASKS$/ms.exec(readFileSync('.ci/run', 'utf8')) ?? [];
  return list;
}

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

    it(`${name} lets no job go on for hours that hangs`, () => {
      for (const [job, body] of jobsOf(text)) {
        // A workflow that is called has limits of its own.
        if (!/^ {4}uses:/m.test(body)) assert.match(body, /^ {4}timeout-minutes: \d+$/m, job);
      }
    });

    it(`${name} runs scripts that there are`, () => {
      for (const script of scriptsIn(text)) assert.ok(scripts[script] !== undefined, script);
    });
  }
});

describe('continuous integration', () => {
  it('runs scripts that there are', () => {
    const names = scriptsIn(tasks());
    assert.ok(names.length > 9);
    for (const script of names) assert.ok(scripts[script] !== undefined, script);
  });

  it('runs every test that there is, for each change or once a week', () => {
    const run = new Set([...scriptsIn(tasks()), ...scriptsIn(workflow('weekly'))]);
    const tests = Object.keys(scripts).filter((name) =>
      /^(?:test|check|fuzz|soak|bench|demo)/.test(name),
    );
    assert.ok(tests.length > 9);
    assert.deepEqual(
      tests.filter((name) => !run.has(name)),
      [],
    );
  });

  it('runs once a week what a release asks for besides', () => {
    assert.match(workflow('weekly'), /^ {4}- cron: '\d+ \d+ \* \* \d'$/m);
    const [, step = ''] = /^4\. (.*?)^5\. /ms.exec(readFileSync('docs/releasing.md', 'utf8')) ?? [];
    const commands = [...step.matchAll(/`([^`]+)`/g)].map(([, command = '']) => command);
    assert.ok(commands.length > 5);
    // How long something runs is another matter.
    const plain = (text: string): string => text.replaceAll(/ \d+$/gm, '');
    for (const command of commands.filter((each) => each !== 'npm run bench'))
      assert.ok(plain(workflow('weekly')).includes(`- ${plain(command)}\n`), command);
  });

  it('publishes the very tarball that was tested', () => {
    const text = workflow('release');
    assert.equal(text.match(/npm pack/g)?.length, 1);
    const [packed, tested, published] = [
      'npm pack --pack-destination release\n',
      'npm run --silent test:package -- --tarball release/ipvs-*.tgz\n',
      'npm publish ./ipvs-*.tgz ',
    ].map((words) => text.indexOf(words));
    assert.ok(packed !== undefined && tested !== undefined && published !== undefined);
    assert.ok(0 < packed && packed < tested && tested < published);
  });
});

describe('.ci/check-release', () => {
  const OWNER = 'somebody/ipvs';
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipvs-release-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** What it says of a release of 1.2.3, and its status. */
  function check(tag: string, repository: unknown, heading = '## [1.2.3] - 2026-01-31') {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '1.2.3', repository }));
    writeFileSync(join(folder, 'CHANGELOG.md'), `# Changelog\n\n${heading}\n`);
    const words = [tag, OWNER];
    const { status, stderr } = spawnSync(resolve('.ci/check-release'), words, {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, said: stderr };
  }

  it('has nothing against a release whose parts agree', () => {
    for (const repository of [
      { type: 'git', url: `git+https://github.com/${OWNER}.git` },
      ...[`github:${OWNER}`, OWNER, `https://github.com/${OWNER}`, `git@github.com:${OWNER}.git`],
    ])
      assert.deepEqual(check('v1.2.3', repository), { status: 0, said: '' });
  });

  it('says what does not agree', () => {
    assert.deepEqual(check('v1.2.4', OWNER), {
      status: 1,
      said: 'check-release: the tag is v1.2.4, and the version in package.json is 1.2.3\n',
    });
    assert.deepEqual(check('v1.2.3', OWNER, '## [Unreleased]'), {
      status: 1,
      said: "check-release: CHANGELOG.md has no heading '## [1.2.3]'\n",
    });
  });

  it('says that npm would refuse a package without the address of its repository, or with another', () => {
    for (const [named, repository] of [
      ['', undefined],
      ['https://github.com/else/ipvs', { url: 'https://github.com/else/ipvs' }],
      [`https://example.com/${OWNER}`, `https://example.com/${OWNER}`],
    ] as const) {
      assert.deepEqual(check('v1.2.3', repository), {
        status: 1,
        said:
          `check-release: package.json: repository is '${named}', and must be ` +
          `git+https://github.com/${OWNER}.git: npm refuses a statement of provenance that names another\n`,
      });
    }
  });
});

describe('what is run on systems that are not Linux', () => {
  /** Runs it where Node is made to say that it runs on another system. */
  function use(platform: string) {
    const pretend = `Object.defineProperty(process, 'platform', { value: '${platform}' });
      process.dlopen = () => { throw new Error('something was loaded'); };`;
    const words = [`--import=data:text/javascript,${encodeURIComponent(pretend)}`];
    const program = 'test/package/programs/elsewhere.mjs';
    return spawnSync(process.execPath, [...words, program], { encoding: 'utf8' });
  }

  for (const platform of ['darwin', 'win32']) {
    it(`passes on ${platform}`, () => {
      const { status, stdout, stderr } = use(platform);
      assert.equal(stderr, '');
      assert.equal(stdout, `on ${platform}, opening says that there is no IPVS\n`);
      assert.equal(status, 0);
    });
  }

  it('fails where a client can be opened, or would be', () => {
    const { status, stderr } = use('linux');
    assert.match(stderr, /this is Linux/);
    assert.equal(status, 1);
  });
});
