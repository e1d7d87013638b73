/** What a provider double answers, in words of no provider. All is optional: an empty script repeats what was said. */
export interface Script {
  /** Chunks of thought. As with the real services they are only shown to a request that asks for thoughts. */
  reasoning?: string[];
  /** Chunks of the answer. */
  text?: string[];
  /** Makes up this many chunks of text instead of `text`. */
  tokens?: number;
  /** Each chunk of `tokens` is the time it was sent, `t<epoch milliseconds>;`, for measuring. */
  stamps?: boolean;
  toolCalls?: ScriptedToolCall[];
  /** What the service finds by itself; those that report the search do so to clients that allow it one. */
  sources?: ScriptedSource[];
  /** Code that the service runs by itself, for clients that allow it. */
  codeRun?: ScriptedCodeRun;
  /** The picture that an image model draws, in base64; a small one unless told. */
  image?: string;
  /** Those tokens of `usage.input` that are pictures. */
  imageInput?: number;
  usage?: ScriptedUsage;
  /** Wait before the first byte. */
  firstDelayMs?: number;
  /** Wait after each chunk of content. */
  chunkDelayMs?: number;
  /** Holds the stream after this many chunks of content until `resume()`. */
  pauseAfter?: number;
  finishReason?: FinishReason;
  /**
   * How the service itself calls the end, where `finishReason` has no word for it: `RECITATION`, `pause_turn`. OpenAI's
   * Responses know `failed` and the reasons of an incomplete response; `error` ends a chat completion as gateways do it,
   * with the error inside of a chunk.
   */
  ending?: string;
  /** The end is told in the last chunk of the text, not in one of its own, by services that can do both. */
  endsInside?: boolean;
  /** Gemini's reason for answering a prompt with nothing at all. */
  promptBlock?: string;
  /** Chunks of a refusal, which OpenAI keeps apart from the text. */
  refusal?: string[];
  /** The field in which servers that are compatible with OpenAI's chat completions show their thoughts, asked or not. */
  thoughtsIn?: 'reasoning_content' | 'reasoning';
  /** What is sent between chunks of content, as it goes over the wire: comments, pings, events that nobody knows. */
  interludes?: Interlude[];
  /** What is sent before the first event. */
  overture?: string;
  /** The answer is compressed, whatever the client accepts. */
  encoding?: Encoding;
  /** The client is sent somewhere else. Without `to` the double answers there by its next script. */
  redirect?: { status: 301 | 302 | 303 | 307 | 308; to?: string };
  fault?: Fault;
}

export interface Interlude {
  /** Chunks of content before it. */
  after: number;
  data: string;
  /** How often, and at which distance, it is sent; once and at once unless told. */
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
  output: number;
  reasoning?: number;
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter';

/**
 * What goes wrong. `chunks` counts chunks of content (thought, text, tool input); a stream that has fewer breaks before
 * its final events. An answer that is not streamed breaks in the middle of its body instead.
 */
export type Fault =
  /** An HTTP status with the provider's own body; 400 is "the context is too long", 529 is 503 where unknown. */
  | { type: 'status'; status: FaultStatus; retryAfterSeconds?: number }
  /** The connection is reset instead of an answer. */
  | { type: 'reset-before-first-byte' }
  /** The connection is reset in the middle. */
  | { type: 'reset-after'; chunks: number }
  /** The answer ends without its final events; `abrupt` ends the connection without ending the HTTP body. */
  | { type: 'half-close'; chunks: number; abrupt?: boolean }
  /** Silence from the beginning. */
  | { type: 'stall-before-first-byte' }
  /** Silence from the middle on; the connection stays open. */
  | { type: 'stall-after'; chunks: number }
  /** One event is broken JSON; the stream goes on after it. */
  | { type: 'malformed'; chunks: number }
  /** The provider's own error event, which ends the stream. */
  | { type: 'error-frame'; chunks: number; reason?: ErrorReason }
  /** A valid answer without any content. */
  | { type: 'empty' }
  /** As much text as the client takes, up to `characters`. */
  | { type: 'flood'; characters?: number }
  /** A good answer with figures that can not be right; Anthropic's format says `missing` with zeros. */
  | { type: 'usage-lies'; lie: UsageLie };

export type FaultStatus = 400 | 401 | 403 | 404 | 429 | 500 | 503 | 529;
export type ErrorReason = 'overloaded' | 'rate-limit' | 'context-length' | 'internal';
export type UsageLie = 'negative' | 'absurd' | 'inconsistent' | 'missing';

/** Reads `[[double {…}]]` out of a user's text: a script, where `delayMs` is short for `chunkDelayMs`. */
export function readDirective(text: string): Script | undefined {
  const opening = '[[double ';
  const start = text.lastIndexOf(opening);
  if (start < 0) return undefined;
  const from = start + opening.length;
  // The script may contain `]]` itself: the first closing that makes it JSON is the right one.
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
