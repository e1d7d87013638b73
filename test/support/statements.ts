import { PreparedClient } from '../../src/common/database/prepared-client.js';

export interface SentStatements {
  /** The first words of each, in the order they were sent: `['begin', 'select', 'commit']`. */
  verbs: string[];
  /** How often something was sent: statements of one turn of the event loop on one connection leave together. */
  roundTrips: number;
}

/** What a server does every few seconds, whatever is asked of it. */
const BY_ITSELF = /fold_usage|select from switchboard\.usage_pending/;

/** Watches what the application of this process sends to PostgreSQL while `work` runs, which is told what it was so far. */
export async function sentStatements(
  work: (sent: Readonly<SentStatements>) => Promise<unknown>,
): Promise<SentStatements> {
  const sent: SentStatements = { verbs: [], roundTrips: 0 };
  const gathering = new Set<unknown>();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the client it was called on
  const original = PreparedClient.prototype.query;
  PreparedClient.prototype.query = function (this: PreparedClient, ...args: unknown[]) {
    const [statement] = args as [string | { text: string }];
    const text = typeof statement === 'string' ? statement : statement.text;
    if (BY_ITSELF.test(text)) return original.apply(this, args) as unknown;
    sent.verbs.push(/\w+/.exec(text)?.[0].toLowerCase() ?? '');
    if (!gathering.has(this)) {
      gathering.add(this);
      sent.roundTrips++;
      process.nextTick(() => gathering.delete(this));
    }
    return original.apply(this, args) as unknown;
  };
  try {
    await work(sent);
    return sent;
  } finally {
    PreparedClient.prototype.query = original;
  }
}
