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
  /** The model that answers, where it is another than the one that was asked. */
  answeredBy?: string;
  usage?: ScriptedUsage;
  /** Wait before the first byte. */
  firstDelayMs?: number;
  /** Wait after each chunk of content. */
  chunkDelayMs?: number;
  /** Holds the stream after this many chunks of content until `resume()`. */
  pauseAfter?: number;
  finishReason?: FinishReason;
  fault?: Fault;
}

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
  /** A part of `cacheWrite`: what Anthropic keeps for an hour. */
  cacheWriteHour?: number;
  /** A part of `input`: the sound that Gemini was given. */
  audio?: number;
  /** A part of `input`: what the tools of Gemini have put into the prompt. */
  toolUse?: number;
  output: number;
  reasoning?: number;
  /** A part of `output`: the words of an image model of Gemini. */
  words?: number;
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
  /** The provider's own error event, which ends the stream; OpenAI may say `withUsage` what it has cost. */
  | { type: 'error-frame'; chunks: number; reason?: ErrorReason; withUsage?: boolean }
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
