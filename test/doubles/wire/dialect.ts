import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorReason, FaultStatus } from '../script.js';
import type { Reply, TokenFigures } from './reply.js';

export type Provider = 'google' | 'openai' | 'anthropic';

/** A request's body: JSON of a client, only checked where it matters. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the doubles read what clients really send
export type Body = Record<string, any>;

/** The fields that all providers' requests share. */
export interface RequestFacts {
  model: string;
  stream: boolean;
  /** The system instructions. */
  instructions: string;
  /** The text of the last user message. */
  userText: string;
  /** True if the last item is the result of a tool. */
  afterTools: boolean;
  /** True if the client asks to see reasoning. */
  wantsReasoning: boolean;
  /** The tokens that the answer may have, including reasoning. */
  maxOutputTokens?: number;
  /** True if an image is requested. */
  wantsImage?: boolean;
  /** Calls that the double made after reasoning it showed: the reasoning must be sent back with the calls' results. */
  callsAfterThoughts?: ReadonlySet<string>;
}

/** One event of a stream as it goes over the wire. */
export interface Frame {
  data: string;
  /** Content frames are paced and counted. A broken stream never reaches its closing frames. */
  kind: 'structure' | 'content' | 'closing';
  /** The figures that the client has received with this frame. */
  figures?: TokenFigures;
}

export interface ErrorAnswer {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

/** One wire format. */
export interface Dialect {
  provider: Provider;
  /** Headers that come with every answer. */
  headers(): Record<string, string>;
  facts(body: Body, path: string): RequestFacts;
  /** Refuses invalid keys and requests that the real service would refuse. */
  refusal(headers: IncomingHttpHeaders, body: Body, facts: RequestFacts): ErrorAnswer | undefined;
  /** The answer as events. Lazy: text is made when it is sent. */
  frames(reply: Reply, body: Body): Iterable<Frame>;
  /** The answer without streaming, and its figures. */
  whole(reply: Reply, body: Body): { body: unknown; figures: TokenFigures | undefined };
  /** An event that is not JSON. */
  brokenFrame: string;
  /** The error event that ends a stream. `sent` is the number of frames before it. */
  errorFrame(reason: ErrorReason, sent: number, reply: Reply, withUsage?: boolean): string;
  /** The result of the finish reason `content-filter`, if the service answers it with an error. */
  contentRefusal?(): ErrorAnswer;
  statusAnswer(status: FaultStatus, facts: RequestFacts, retryAfterSeconds?: number): ErrorAnswer;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
export const EVENT_STREAM = 'text/event-stream; charset=utf-8';

/** All text of a content that is a string or a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: Body) => (typeof part?.text === 'string' ? part.text : '')).join('');
}
