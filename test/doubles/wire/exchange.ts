import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Body, Provider, RequestFacts } from './dialect.js';
import type { Reply, TokenFigures } from './reply.js';

/** One request to a double and its outcome. */
export interface RecordedRequest extends RequestFacts {
  provider: Provider;
  path: string;
  headers: IncomingHttpHeaders;
  body: Body;
  /** Epoch milliseconds. */
  startedAt: number;
  endedAt: number | undefined;
  /** Undefined until there is a response. */
  status: number | undefined;
  /** `held` is a stream that waits for `resume()`, or that has stopped sending. */
  state: 'waiting' | 'streaming' | 'held' | 'ended';
  /** Chunks of content that were sent. */
  chunks: number;
  /** True if the client disconnected before the end. */
  closedByClient: boolean;
  /** The figures that the client received, after the answer has ended. Undefined if there were none. */
  reported?: ReportedUsage;
}

/** Figures that were sent to a client, whether or not the answer was complete. */
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
  /** Set before the double breaks the connection itself, so that the client is not blamed for it. */
  cutByDouble: boolean;
  /** Called whenever the record changes in a way that a test may wait for. */
  changed(): void;
  /** Calls back once when `resume()` is called. */
  onResume(callback: () => void): void;
  /** Remembers the calls that the answer makes. */
  noteCalls(reply: Pick<Reply, 'reasoning' | 'toolCalls'>): void;
  /** Remembers the latest figures that were sent. */
  report(figures: TokenFigures): void;
  /** The answer is complete, so the reported figures are final. */
  complete(): void;
}
