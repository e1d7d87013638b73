import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Body, Provider, RequestFacts } from './dialect.js';
import type { TokenFigures } from './reply.js';

/** One request to a double, and what became of it. */
export interface RecordedRequest extends RequestFacts {
  provider: Provider;
  path: string;
  headers: IncomingHttpHeaders;
  body: Body;
  /** Epoch milliseconds. */
  startedAt: number;
  endedAt: number | undefined;
  /** Undefined while nothing has been answered. */
  status: number | undefined;
  /** `held` is a stream that waits for `resume()`, or that has gone silent. */
  state: 'waiting' | 'streaming' | 'held' | 'ended';
  /** Chunks of content that were sent. */
  chunks: number;
  /** True when the client went away before the end. */
  closedByClient: boolean;
  /** The figures that the client was told, once the answer has ended; undefined when there were none. */
  reported?: ReportedUsage;
}

/** Figures that went out to a client, whether or not the answer was complete. */
export interface ReportedUsage extends TokenFigures {
  provider: Provider;
  model: string;
  ended: 'complete' | 'cut';
}

/** An open request with its response, as the senders use it. */
export interface Exchange {
  record: RecordedRequest;
  response: ServerResponse;
  headers: Record<string, string>;
  /** Set before the double itself breaks the connection, so that it is not laid at the client's door. */
  cutByDouble: boolean;
  /** To be called whenever the record has changed in a way that a test may wait for. */
  changed(): void;
  /** Calls back once when `resume()` is called. */
  onResume(callback: () => void): void;
  /** Remembers the latest figures on their way to the client. */
  report(figures: TokenFigures): void;
  /** The answer is whole; what was reported is final. */
  complete(): void;
}
