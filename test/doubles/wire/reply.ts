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

/** Token counts. `cachedRead` and `cacheWrite` are part of `input`, and `reasoning` is part of `output`. */
export interface TokenFigures {
  input: number;
  cachedRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  /** Parts that only some providers report. */
  cacheWriteHour?: number;
  audio?: number;
  toolUse?: number;
  words?: number;
}

/** A script with all values filled in. */
export interface Reply {
  /** Unique. Providers add their own prefix. */
  id: string;
  model: string;
  reasoning: readonly string[];
  /** Lazy, so that a stamp is the time of sending. */
  text: Iterable<string>;
  /** The number of chunks in `text`. */
  textChunks: number;
  toolCalls: readonly ScriptedToolCall[];
  sources: readonly ScriptedSource[];
  codeRun: ScriptedCodeRun | undefined;
  /** In base64. Undefined if none was requested. */
  image: string | undefined;
  /** Input tokens for images. */
  imageInput: number;
  /** Undefined if the double should hide it. */
  figures: TokenFigures | undefined;
  finishReason: FinishReason;
  /** The provider's own finish reason, if the script has one. */
  ending: string | undefined;
  endsInside: boolean;
  promptBlock: string | undefined;
  refusal: readonly string[];
  thoughtsIn: Script['thoughtsIn'];
}

const CHARACTERS_PER_TOKEN = 4;
/** Gemini's token count for an image. */
const IMAGE_TOKENS = 1_290;
/** A PNG of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
/** The default agent, which most messages need. */
const CHOICE = '{"agent":"chat","reason":"It is a conversation."}';
const FLOOD_CHARACTERS = 8 * 1024 * 1024;
const FLOOD_CHUNK = 'All work and no play makes a dull stream. '.repeat(200);

/** @param bodyLength characters of the request, for estimating its tokens */
export function makeReply(script: Script, facts: RequestFacts, bodyLength: number): Reply {
  const { fault } = script;
  const empty = fault?.type === 'empty';
  // Reasoning tokens are billed even if the answer does not show the reasoning, as with the real services.
  const shown = facts.wantsReasoning || script.thoughtsIn !== undefined;
  const reasoning = empty || !shown ? [] : (script.reasoning ?? []);
  const { wantsImage = false } = facts;
  const thought = script.usage?.reasoning ?? tokensOf((script.reasoning ?? []).join(''));
  const most = Math.max(0, (facts.maxOutputTokens ?? Infinity) - thought);
  const isCut = script.tokens !== undefined && script.tokens > most;
  const { text, chunks, tokens } =
    empty || wantsImage ? written([]) : textOf(isCut ? { ...script, tokens: most } : script, facts);
  const drawn = wantsImage && !empty && script.finishReason !== 'content-filter';
  const toolCalls = empty ? [] : (script.toolCalls ?? []);
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
    finishReason: script.finishReason ?? (isCut ? 'length' : toolCalls.length > 0 ? 'tool-calls' : 'stop'),
    ending: script.ending,
    endsInside: script.endsInside ?? false,
    promptBlock: script.promptBlock,
    refusal: script.refusal ?? [],
    thoughtsIn: script.thoughtsIn,
  };
}

/** The answer if nothing is programmed: the last user message, a few words at a time. */
export function echo(facts: RequestFacts): string[] {
  const said = withoutDirective(facts.userText);
  if (isRoutingCall(facts)) return [CHOICE];
  if (isTitleCall(facts)) return [`About ${said.split(/\s+/).slice(0, 6).join(' ')}`];
  return `You said: ${said}`.match(/(?:\S+\s*){1,3}|\s+/g) ?? [];
}

/** Products let a model choose the agent in a separate call before the answer. */
export function isRoutingCall(facts: RequestFacts): boolean {
  return facts.instructions.includes('Answer with JSON: {"agent"');
}

/** Products generate chat titles in a separate call beside the answer. */
export function isTitleCall(facts: RequestFacts): boolean {
  return /\b(?:short|brief|concise) title\b/i.test(facts.instructions);
}

/** A test that scripts an answer means none of them. */
export function isCallBesideAnswer(facts: RequestFacts): boolean {
  return isTitleCall(facts) || isRoutingCall(facts) || isCompactionCall(facts);
}

/** The call that summarizes the older part of a long chat, after an answer. */
export function isCompactionCall({ instructions }: Pick<RequestFacts, 'instructions'>): boolean {
  return /\bthe memory of a long conversation\b/i.test(instructions);
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
  if (script.refusal || script.promptBlock !== undefined) return written([]);
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
