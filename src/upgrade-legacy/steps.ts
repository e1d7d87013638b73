import type pg from 'pg';
import { copyChats, copyVotes } from './chats.repository.js';
import type { Context } from './context.js';
import { copyEmbeddedChats, copyMessages } from './copy-messages.js';
import { copyDocuments, copySuggestions } from './documents.repository.js';
import { inBatch, progressOf, rowCountOf, saveProgress, setAsideRow } from './batches.repository.js';
import { type AuthColumns, copyUsers } from './users.repository.js';

/** A part of the copy. It processes the numbered rows of a work table in batches. */
export interface Step {
  name: string;
  table: 'users' | 'chats' | 'messages' | 'documents' | 'suggestions';
  batch: number;
  copy(context: Context, from: number, to: number): Promise<void>;
}

export function stepsOf({ legacy }: Context, auth: AuthColumns): Step[] {
  const hasEmbedded = legacy.has('Chat', 'messages');
  return [
    {
      name: 'users',
      table: 'users',
      batch: 1_000,
      copy: (context, from, to) => copyUsers(context, from, to, auth),
    },
    hasEmbedded
      ? { name: 'chats', table: 'chats', batch: 20, copy: copyEmbeddedChats }
      : {
          name: 'chats',
          table: 'chats',
          batch: 2_000,
          copy: (context, from, to) => copyChats(context, from, to, new Map()),
        },
    { name: 'messages', table: 'messages', batch: 2_000, copy: copyMessages },
    { name: 'votes', table: 'chats', batch: 2_000, copy: copyVotes },
    { name: 'documents', table: 'documents', batch: 200, copy: copyDocuments },
    { name: 'suggestions', table: 'suggestions', batch: 2_000, copy: copySuggestions },
  ];
}

export const INTERRUPTED = 'interrupted; run it again to go on';

export interface Progress {
  step: string;
  done: number;
  total: number;
}

/** Continues where the last run has stopped. Each batch is one transaction, which also records the progress. */
export async function runStep(
  context: Context,
  step: Step,
  tell: (progress: Progress) => void,
  isInterrupted: () => boolean,
): Promise<void> {
  const total = await rowCountOf(context, step);
  let from = await progressOf(context, step.name);
  while (from < total) {
    if (isInterrupted()) throw new Error(INTERRUPTED);
    const to = Math.min(from + step.batch, total);
    await copyRange(context, step, from, to);
    tell({ step: step.name, done: to, total });
    from = to;
  }
}

/** If the database refuses a row for any reason, the batch is split in halves until the row is found. Only this row is set aside. */
async function copyRange(context: Context, step: Step, from: number, to: number): Promise<void> {
  try {
    await inBatch(context, async () => {
      await step.copy(context, from, to);
      await saveProgress(context, step.name, to);
    });
  } catch (error) {
    const reason = refusalIn(error);
    if (reason === undefined || step.name === 'votes') throw error;
    if (to - from > 1) {
      const middle = from + Math.floor((to - from) / 2);
      await copyRange(context, step, from, middle);
      await copyRange(context, step, middle, to);
      return;
    }
    await inBatch(context, async () => {
      await setAsideRow(context, step.table, to, `the database refused it: ${reason}`);
      await saveProgress(context, step.name, to);
    });
  }
}

/** Data exceptions, violated constraints and exceeded limits are problems of the row. Any other error is a problem of the database. */
const AT_FAULT = /^(22|23|54|21)/;

function refusalIn(error: unknown): string | undefined {
  if (error instanceof RangeError || error instanceof SyntaxError) return error.message;
  const { code, message } = error as pg.DatabaseError;
  return typeof code === 'string' && AT_FAULT.test(code) ? message : undefined;
}
