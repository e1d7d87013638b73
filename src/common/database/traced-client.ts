import { endWithResult, startStatementSpan } from '../observability/statement-spans.js';
import { GuardedClient } from './guarded-client.js';

/** A client of the pool: its statements are traced. */
export class TracedClient extends GuardedClient {
  // The overloads of `query` are many, and none of them is changed.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  override query(...args: any[]): any {
    const span = startStatementSpan(args[0]);
    const query = super.query.bind(this) as (...parameters: unknown[]) => unknown;
    const result = query(...(args as unknown[]));
    if (span) endWithResult(span, result);
    return result;
  }
}
