/**
 * Our package at work, in a process of its own: does one task after the other, as its parent asks
 * (ours.ts), and answers with what it measured. It stays, so that it can warm up.
 */
import { Ipvs } from 'ipvs';
import { clientOver } from '../support/door.js';
import { alone, hop } from './tasks/alone.js';
import {
  applyChanged,
  applyNew,
  applySame,
  extraCommands,
  planSame,
  resync,
} from './tasks/apply.js';
import { create, createInTurns, createYielding } from './tasks/create.js';
import { idle, underDelay } from './tasks/delay.js';
import { heldMemory } from './tasks/memory.js';
import { snapshot, stream } from './tasks/read.js';
import { Answers, StubDoor } from './stub-door.js';
import { type Entry, sizeName, tableOf } from './table.js';
import type { Task, TaskAnswer, TaskResult } from './tasks.js';

const tables = new Map<string, { table: Entry[]; answers: Answers }>();

/** The same objects in every round. */
function prepared({ size }: Task): { table: Entry[]; answers: Answers } {
  const known = tables.get(sizeName(size));
  if (known !== undefined) return known;
  const table = tableOf(size);
  const fresh = { table, answers: new Answers(table) };
  tables.set(sizeName(size), fresh);
  return fresh;
}

async function measure(ipvs: Ipvs, task: Task): Promise<number> {
  // A task that needs no table must not hold one: how much memory it takes is measured.
  const table = (): Entry[] => prepared(task).table;
  switch (task.name) {
    case 'create':
      return await create(ipvs, table());
    case 'snapshot':
      return await snapshot(ipvs, task.size);
    case 'alone':
      return await alone(ipvs, table());
    case 'hop':
      return await hop();
    case 'idle':
      return await idle();
    case 'create-yielding': {
      const made = table();
      return await underDelay(async () => {
        await createYielding(ipvs, made);
      });
    }
    case 'create-in-turns': {
      const made = table();
      return await underDelay(async () => {
        await createInTurns(ipvs, made);
      });
    }
    case 'stream':
      return await underDelay(async () => {
        await stream(ipvs, task.size);
      });
    case 'stream-memory':
      return await heldMemory(async () => {
        await stream(ipvs, task.size);
      });
    case 'plan':
      return await planSame(ipvs, table());
    case 'apply-same':
      return await applySame(ipvs, table(), false);
    case 'apply-same-quickly':
      return await applySame(ipvs, table(), true);
    case 'resync':
      return await resync(ipvs, table());
    case 'apply-changed':
      return await applyChanged(ipvs, table());
    case 'apply-new':
      return await applyNew(ipvs, table());
    case 'apply-commands':
      return await extraCommands(task, table());
  }
}

async function perform(task: Task): Promise<TaskResult> {
  const ipvs =
    task.namespace === null
      ? clientOver(new StubDoor(prepared(task).answers))
      : await Ipvs.open({ netns: { name: task.namespace } });
  try {
    const before = process.resourceUsage().minorPageFault;
    const value = await measure(ipvs, task);
    return { value, pageFaults: process.resourceUsage().minorPageFault - before };
  } finally {
    await ipvs.close();
  }
}

process.on('message', (task) => {
  perform(task as Task)
    .catch((error: unknown): TaskAnswer => ({ error: String(error) }))
    .then((answer) => process.send?.(answer))
    .catch((error: unknown) => {
      throw error;
    });
});
