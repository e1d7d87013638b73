/**
 * The answer of a provider double, in provider-neutral terms. Everything is optional: an empty script repeats the
 * user's message.
 */
export interface Script {
  /** Chunks of reasoning. Like the real services, the double only shows them if the request asks for them. */
  reasoning?: string[];
  /** Chunks of the answer. */
  text?: string[];
  /** Generates this many chunks of text instead of `text`. */
  tokens?: number;
  /** Each chunk of `tokens` is the time it was sent, `t<epoch milliseconds>;`, for measuring. */
  stamps?: boolean;
  toolCalls?: ScriptedToolCall[];
  /** What the service finds with its own tools. Searches are only made for clients that allow them. */
  sources?: ScriptedSource[];
  /** Code that the service runs itself, for clients that allow it. */
  codeRun?: ScriptedCodeRun;
  /** The image that an image model returns, in base64. By default a small one. */
  image?: string;
  /** The tokens of `usage.input` that are for images. */
  imageInput?: number;
  /** The model that answers, if it differs from the requested one. */
  answeredBy?: string;
  usage?: ScriptedUsage;
  /** Wait before the first byte. */
  firstDelayMs?: number;
  /** Wait after each chunk of content. */
  chunkDelayMs?: number;
  /** Holds the stream after this many chunks of content until `resume()`. */
  pauseAfter?: number;
  finishReason?: FinishReason;
  /**
   * The provider's own finish reason, if `finishReason` has no value for it: `RECITATION`, `pause_turn`. For OpenAI's
   * Responses API: `failed`, `failed-at-once` (with an error, before the first part) or the reason of an incomplete response. For chat completions, `error` puts the error into
   * a chunk, as gateways do.
   */
  ending?: string;
  /** Sends the finish reason in the last chunk of text instead of a chunk of its own, if the provider can do both. */
  endsInside?: boolean;
  /** Gemini's `blockReason` of a prompt that it does not answer. */
  promptBlock?: string;
  /** Chunks of a refusal, which OpenAI sends separately from the text. */
  refusal?: string[];
  /** The field in which OpenAI-compatible servers send reasoning, even if the request does not ask for it. */
  thoughtsIn?: 'reasoning_content' | 'reasoning';
  /** Raw data between chunks of content: comments, pings, unknown events. */
  interludes?: Interlude[];
  /** Raw data before the first event. */
  overture?: string;
  /** Compresses the answer, whatever the client accepts. */
  encoding?: Encoding;
  /** Redirects the client. Without `to`, the double answers the repeated request by its next script. */
  redirect?: { status: 301 | 302 | 303 | 307 | 308; to?: string };
  fault?: Fault;
}

export interface Interlude {
  /** The number of content chunks before it. */
  after: number;
  data: string;
  /** How often and at which interval it is sent. Default: once, at once. */
  times?: number;
  everyMs?: number;
}

export type Encoding = 'gzip' | 'br' | 'deflate';

export interface ScriptedToolCall {
  id: string;
  name: string;
  input: unknown;
}

export interface ScriptedSource {
  url: string;
  title: string;
}

export interface ScriptedCodeRun {
  code: string;
  output: string;
}

/** Tokens: `cachedRead` and `cacheWrite` are parts of `input`, `reasoning` is a part of `output`. */
export interface ScriptedUsage {
  input: number;
  cachedRead?: number;
  cacheWrite?: number;
  /** A part of `cacheWrite`: the tokens that Anthropic keeps for an hour. */
  cacheWriteHour?: number;
  /** A part of `input`: the tokens of sound for Gemini. */
  audio?: number;
  /** A part of `input`: the tokens that Gemini's tools have added to the prompt. */
  toolUse?: number;
  output: number;
  reasoning?: number;
  /** A part of `output`: the text tokens of a Gemini image model. */
  words?: number;
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter';

/**
 * The fault. `chunks` counts chunks of content (reasoning, text, tool input). A stream with fewer chunks breaks before
 * its final events. An answer that is not streamed breaks in the middle of its body instead.
 */
export type Fault =
  /**
   * An HTTP status with the provider's own body. 400 is "the context is too long", and 529 is 503 where it is unknown.
   */
  | { type: 'status'; status: FaultStatus; retryAfterSeconds?: number }
  /** The connection is reset instead of an answer. */
  | { type: 'reset-before-first-byte' }
  /** The connection is reset in the middle. */
  | { type: 'reset-after'; chunks: number }
  /** The answer ends without its final events; `abrupt` ends the connection without ending the HTTP body. */
  | { type: 'half-close'; chunks: number; abrupt?: boolean }
  /** No data from the start. */
  | { type: 'stall-before-first-byte' }
  /** No data from the middle on. The connection stays open. */
  | { type: 'stall-after'; chunks: number }
  /** One event is invalid JSON. The stream continues after it. */
  | { type: 'malformed'; chunks: number }
  /** The provider's own error event, which ends the stream. With `withUsage`, OpenAI includes the usage. */
  | { type: 'error-frame'; chunks: number; reason?: ErrorReason; withUsage?: boolean }
  /** A whole answer, whose connection stays open or breaks. */
  | { type: 'after-end'; how: 'silence' | 'pings' | 'reset' | 'no-end-of-body' }
  /** A valid answer without any content. */
  | { type: 'empty' }
  /** As much text as the client takes, up to `characters`. */
  | { type: 'flood'; characters?: number }
  /** A correct answer with impossible figures. Anthropic's format has zeros for `missing`. */
  | { type: 'usage-lies'; lie: UsageLie };

export type FaultStatus = 400 | 401 | 403 | 404 | 429 | 500 | 503 | 529;
export type ErrorReason = 'overloaded' | 'rate-limit' | 'context-length' | 'internal';
export type UsageLie = 'negative' | 'absurd' | 'inconsistent' | 'missing';

/** Reads `[[double {…}]]` from a user's text: a script, with `delayMs` as a short form of `chunkDelayMs`. */
export function readDirective(text: string): Script | undefined {
  const opening = '[[double ';
  const start = text.lastIndexOf(opening);
  if (start < 0) return undefined;
  const from = start + opening.length;
  // The script can contain `]]` itself: the first closing that makes it valid JSON is the right one.
  for (let end = text.indexOf(']]', from); end >= 0; end = text.indexOf(']]', end + 1)) {
    try {
      const { delayMs, ...script } = JSON.parse(text.slice(from, end)) as Script & { delayMs?: number };
      return delayMs === undefined ? script : { chunkDelayMs: delayMs, ...script };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The text without its directives. */
export function withoutDirective(text: string): string {
  const start = text.lastIndexOf('[[double ');
  return start < 0 ? text : `${text.slice(0, start)}${text.slice(text.lastIndexOf(']]') + 2)}`.trim();
}
