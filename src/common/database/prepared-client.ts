import type { Duplex } from 'node:stream';
import { gatherWrites } from './gathered-writes.js';
import { GuardedClient } from './guarded-client.js';

/** Statements that are prepared on a connection; more than the server has, so only generated SQL is ever beyond. */
const MAX_STATEMENTS = 500;

const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MAX_STATEMENTS) return undefined;
  const name = `s${names.size + 1}`;
  names.set(text, name);
  return name;
}

/**
 * A client that prepares every parameterised statement under a name, so that PostgreSQL parses and plans it once a
 * connection and not at each call: row level security makes planning dearer than most of our statements.
 */
export class PreparedClient extends GuardedClient {
  // The overloads of `query` are many; only the one that TypeORM uses is changed.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  override query(...args: any[]): any {
    gatherWrites((this as unknown as { connection: { stream: Duplex } }).connection.stream);
    const [text, values, ...rest] = args as unknown[];
    const name =
      typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    const query = super.query.bind(this) as (...parameters: unknown[]) => unknown;
    return name === undefined ? query(...(args as unknown[])) : query({ name, text, values }, ...rest);
  }
}
