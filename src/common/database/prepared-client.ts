import type { Duplex } from 'node:stream';
import { gatherWrites } from './gathered-writes.js';
import { TracedClient } from './traced-client.js';

/** Maximum number of prepared statements per connection. The server has fewer, so only generated SQL can exceed it. */
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
 * A client that prepares every parameterized statement under a name. PostgreSQL then parses and plans it once per
 * connection instead of at each call. Row level security makes planning more expensive than executing most of our
 * statements.
 */
export class PreparedClient extends TracedClient {
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
