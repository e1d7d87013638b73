import { AsyncLocalStorage } from 'node:async_hooks';
import { PeriodicTask } from '../../src/common/periodic/periodic-task.js';
import { PreparedClient } from '../../src/common/database/prepared-client.js';

export interface SentStatements {
  /** The first word of each statement, in the order they were sent: `['begin', 'select', 'commit']`. */
  verbs: string[];
  /** The number of round trips: statements of one turn of the event loop on one connection are sent together. */
  roundTrips: number;
}

/** Set in what a server does by itself every few seconds, which belongs to no request. */
const background = new AsyncLocalStorage<true>();

// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the task it was called on
const run = PeriodicTask.prototype.run;
PeriodicTask.prototype.run = function (this: PeriodicTask) {
  return background.run(true, () => run.call(this));
};

/** A statement that was sent, with its parameters and its result. */
export type OnStatement = (text: string, parameters: unknown[], result: Promise<{ rows: unknown[] }>) => void;

/**
 * Records what the application in this process sends to PostgreSQL while `work` runs. `work` gets the statements so
 * far.
 */
export async function sentStatements(
  work: (sent: Readonly<SentStatements>) => Promise<unknown>,
  onStatement?: OnStatement,
): Promise<SentStatements> {
  const sent: SentStatements = { verbs: [], roundTrips: 0 };
  const gathering = new Set<unknown>();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the client it was called on
  const original = PreparedClient.prototype.query;
  PreparedClient.prototype.query = function (this: PreparedClient, ...args: unknown[]) {
    const [statement] = args as [string | { text: string }];
    const text = typeof statement === 'string' ? statement : statement.text;
    if (background.getStore()) return original.apply(this, args) as unknown;
    sent.verbs.push(/\w+/.exec(text)?.[0].toLowerCase() ?? '');
    if (!gathering.has(this)) {
      gathering.add(this);
      sent.roundTrips++;
      process.nextTick(() => gathering.delete(this));
    }
    const result = original.apply(this, args) as unknown;
    if (result instanceof Promise)
      onStatement?.(text, (args[1] ?? []) as unknown[], result as Promise<{ rows: unknown[] }>);
    return result;
  };
  try {
    await work(sent);
    return sent;
  } finally {
    PreparedClient.prototype.query = original;
  }
}
