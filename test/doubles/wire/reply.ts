import { randomUUID } from 'node:crypto';
import {
  type FinishReason,
  type Script,
  type ScriptedCodeRun,
  type ScriptedSource,
  type ScriptedToolCall,
  type UsageLie,
  withoutDirective,
} from '../script.js';
import type { RequestFacts } from './dialect.js';

/** Counts of tokens; `cachedRead` and `cacheWrite` are parts of `input`, `reasoning` is a part of `output`. */
export interface TokenFigures {
  input: number;
  cachedRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  /** Parts that only some providers tell of. */
  cacheWriteHour?: number;
  audio?: number;
  toolUse?: number;
  words?: number;
}

/** A script with nothing left open. */
export interface Reply {
  /** Unique; providers put their own prefix in front of it. */
  id: string;
  model: string;
  reasoning: readonly string[];
  /** Lazy, so that a stamp is the time of sending. */
  text: Iterable<string>;
  /** How many chunks `text` has. */
  textChunks: number;
  toolCalls: readonly ScriptedToolCall[];
  sources: readonly ScriptedSource[];
  codeRun: ScriptedCodeRun | undefined;
  /** In base64; undefined where none was asked for. */
  image: string | undefined;
  /** Tokens of the input that were pictures. */
  imageInput: number;
  /** Undefined when the double is to conceal it. */
  figures: TokenFigures | undefined;
  finishReason: FinishReason;
}

const CHARACTERS_PER_TOKEN = 4;
/** What Gemini counts for a picture. */
const IMAGE_TOKENS = 1_290;
/** A PNG of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
/** The agent that is chosen: most messages want no more. */
const CHOICE = '{"agent":"chat","reason":"It is a conversation."}';
const FLOOD_CHARACTERS = 8 * 1024 * 1024;
const FLOOD_CHUNK = 'All work and no play makes a dull stream. '.repeat(200);

/** @param bodyLength characters of the request, from which its tokens are guessed */
export function makeReply(script: Script, facts: RequestFacts, bodyLength: number): Reply {
  const { fault } = script;
  const empty = fault?.type === 'empty';
  // Without thoughts in the answer their tokens are still paid, as with the real services.
  const reasoning = empty || !facts.wantsReasoning ? [] : (script.reasoning ?? []);
  const { wantsImage = false } = facts;
  const { text, chunks, tokens } = empty || wantsImage ? written([]) : textOf(script, facts);
  const drawn = wantsImage && !empty && script.finishReason !== 'content-filter';
  const toolCalls = empty ? [] : (script.toolCalls ?? []);
  const thought = script.usage?.reasoning ?? tokensOf((script.reasoning ?? []).join(''));
  const figures: TokenFigures = {
    input: script.usage?.input ?? Math.ceil(bodyLength / CHARACTERS_PER_TOKEN),
    cachedRead: script.usage?.cachedRead ?? 0,
    cacheWrite: script.usage?.cacheWrite ?? 0,
    output:
      script.usage?.output ??
      (drawn ? IMAGE_TOKENS : tokens) + thought + tokensOf(toolCalls.length ? JSON.stringify(toolCalls) : ''),
    reasoning: thought,
    cacheWriteHour: script.usage?.cacheWriteHour,
    audio: script.usage?.audio,
    toolUse: script.usage?.toolUse,
    words: script.usage?.words,
  };
  return {
    id: randomUUID().replaceAll('-', ''),
    model: script.answeredBy ?? facts.model,
    reasoning,
    text,
    textChunks: chunks,
    toolCalls,
    sources: empty ? [] : (script.sources ?? []),
    codeRun: empty ? undefined : script.codeRun,
    image: drawn ? (script.image ?? PIXEL) : undefined,
    imageInput: script.imageInput ?? 0,
    figures: fault?.type === 'usage-lies' ? lie(fault.lie, figures) : figures,
    finishReason: script.finishReason ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop'),
  };
}

/** What is said when nothing is programmed: the last words of the user, a few words at a time. */
export function echo(facts: RequestFacts): string[] {
  const said = withoutDirective(facts.userText);
  if (isRoutingCall(facts)) return [CHOICE];
  if (isTitleCall(facts)) return [`About ${said.split(/\s+/).slice(0, 6).join(' ')}`];
  return `You said: ${said}`.match(/(?:\S+\s*){1,3}|\s+/g) ?? [];
}

/** Products let a model choose the agent in a call of its own, before the answer. */
export function isRoutingCall(facts: RequestFacts): boolean {
  return facts.instructions.includes('Answer with JSON: {"agent"');
}

/** Products name chats with a call of their own, beside the answer. */
export function isTitleCall(facts: RequestFacts): boolean {
  return /\b(?:short|brief|concise) title\b/i.test(facts.instructions);
}

/** Neither is what a test that scripts an answer has in mind. */
export function isCallBesideAnswer(facts: RequestFacts): boolean {
  return isTitleCall(facts) || isRoutingCall(facts);
}

interface Text {
  text: Iterable<string>;
  chunks: number;
  tokens: number;
}

function textOf(script: Script, facts: RequestFacts): Text {
  if (script.fault?.type === 'flood') {
    const chunks = Math.ceil((script.fault.characters ?? FLOOD_CHARACTERS) / FLOOD_CHUNK.length);
    return {
      text: repeat(chunks, () => FLOOD_CHUNK),
      chunks,
      tokens: chunks * tokensOf(FLOOD_CHUNK),
    };
  }
  if (script.tokens !== undefined) {
    const make = script.stamps ? stamp : (index: number) => `token${index} `;
    return { text: repeat(script.tokens, make), chunks: script.tokens, tokens: script.tokens };
  }
  if (script.text) return written(script.text);
  return written(script.toolCalls?.length ? [] : echo(facts));
}

function written(chunks: string[]): Text {
  return { text: chunks, chunks: chunks.length, tokens: tokensOf(chunks.join('')) };
}

function* repeat(times: number, make: (index: number) => string): Generator<string> {
  for (let index = 0; index < times; index++) yield make(index);
}

function stamp(): string {
  return `t${(performance.timeOrigin + performance.now()).toFixed(3)};`;
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

function lie(kind: UsageLie, { input, output }: TokenFigures): TokenFigures | undefined {
  switch (kind) {
    case 'missing':
      return undefined;
    case 'negative':
      return { input: -input, cachedRead: -1, cacheWrite: -1, output: -output, reasoning: -1 };
    case 'absurd':
      return { input: 9e15, cachedRead: 0, cacheWrite: 0, output: 9e15, reasoning: 0 };
    case 'inconsistent':
      return { input, cachedRead: input + 1000, cacheWrite: 0, output, reasoning: output + 1000 };
  }
}
