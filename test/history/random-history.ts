import { ENCRYPTED_CONTENT, THINKING_SIGNATURE } from '../doubles/wire/signatures.js';
import type { StoredMessage } from './asked-vendor.js';
import { BROKEN_PDF, BROKEN_PNG, FILES, file, PNG, pngOf } from './files.js';

/** A sequence of numbers that depends on a seed (mulberry32). */
export class Dice {
  private state: number;

  constructor(state: number) {
    this.state = state;
  }

  /** At least 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  oneOf<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  some<Item>(most: number, make: () => Item): Item[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const deep = (levels: number): unknown => (levels === 0 ? 'end' : { a: deep(levels - 1) });

const TEXTS = [
  'Hello.',
  'How is it?',
  '',
  ' ',
  '\n\n',
  '\t',
  '\u0000',
  'NUL \u0000 inside',
  'half \ud83d pair',
  '\udc00',
  '😀',
  'Trailing. \n',
];

const TEXT_NOTES = [
  undefined,
  { google: { thoughtSignature: Buffer.from('a signature').toString('base64') } },
  { openai: { itemId: 'msg_1', phase: 'final_answer' } },
  { openai: { itemId: 'msg_1' } },
  { anthropic: { citations: [{ type: 'web_search_result_location', url: 'https://example.com' }] } },
  { anthropic: { type: 'compaction', signature: 'x' } },
  { google: { thoughtSignature: 7 }, acme: { any: 'thing' } },
];

const REASONING_NOTES = [
  undefined,
  { anthropic: { signature: THINKING_SIGNATURE } },
  { anthropic: { signature: '' } },
  { anthropic: { redactedData: 'RGF0YQ==' } },
  { anthropic: {} },
  { openai: { itemId: 'rs_1', reasoningEncryptedContent: ENCRYPTED_CONTENT } },
  { openai: { itemId: 'rs_1', reasoningEncryptedContent: null } },
  { openai: { itemId: 'rs_2', reasoningEncryptedContent: ENCRYPTED_CONTENT } },
  { openai: { itemId: 'rs_3' } },
  { openai: { reasoningEncryptedContent: ENCRYPTED_CONTENT } },
  { google: { thoughtSignature: Buffer.from('a thought').toString('base64') } },
  { google: {} },
];

const NAMES = [
  'weather',
  'createDocument',
  'web_search',
  'code_execution',
  'bad name!',
  '9lives',
  '-dash',
  'ünï',
  'x'.repeat(200),
  'a.b:c',
];

const INPUTS = [
  { city: 'Rome' },
  '{"title": "Plan", "kind": "te',
  '{"city":"Rome"}',
  '"text"',
  '[1]',
  ['a'],
  7,
  null,
  undefined,
  {},
  { text: 'half \ud83d pair', 'key \u0000': '\u0000' },
  deep(60),
  { type: 'bash_code_execution', command: 'ls' },
];

const OUTPUTS = [
  'clear',
  '',
  ' ',
  { sky: 'clear' },
  null,
  undefined,
  [],
  7,
  'half \ud83d',
  { text: '\u0000' },
  deep(120),
  { $ref: '#/a' },
  { type: 'content', value: [{ type: 'image-url', url: 'https://example.com/a.png' }] },
];

const STATES = [
  'input-streaming',
  'input-available',
  'approval-requested',
  'approval-responded',
  'output-available',
  'output-available',
  'output-available',
  'output-error',
  'output-error',
  'output-denied',
  'unheard-of',
];

const STRANGE = [
  null,
  7,
  'text',
  [],
  {},
  { type: 5 },
  { type: 'text' },
  { type: 'text', text: 5 },
  { type: 'tool-' },
  { type: 'file' },
  { type: 'steering-message', parts: [{ type: 'text', text: 'x' }] },
  { type: 'custom', kind: 'anthropic.fallback' },
  { type: 'source-url', sourceId: 's', url: 'https://example.com' },
  { type: 'data-agent', data: {} },
  { type: 'reasoning-file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' },
];

/**
 * Everything that a chat can contain, whoever wrote it: each kind of part in each state, the notes of every vendor,
 * complete and broken rows.
 */
export function randomHistory(dice: Dice): StoredMessage[] {
  return dice.some(7, () => randomMessage(dice));
}

function randomMessage(dice: Dice): StoredMessage {
  const role = dice.oneOf(['user', 'assistant'] as const);
  const id = `message-${dice.below(1e9)}`;
  if (dice.chance(0.03)) return { id, role, parts: dice.oneOf([null, {}, 'text', 7]) };
  const part = role === 'user' ? () => userPart(dice) : () => answerPart(dice);
  return { id, role, parts: dice.some(6, part).flat() };
}

function userPart(dice: Dice): unknown[] {
  const kind = dice.next();
  if (kind < 0.45)
    return [{ type: 'text', text: dice.oneOf(TEXTS), providerMetadata: dice.oneOf(TEXT_NOTES) }];
  if (kind < 0.85) return [dice.oneOf(Object.values(FILES))];
  if (kind < 0.88) return [dice.oneOf([BROKEN_PNG, BROKEN_PDF])];
  if (kind < 0.9) return Array.from({ length: 24 }, () => file('image/png', PNG));
  if (kind < 0.92)
    return Array.from({ length: 24 }, (_, index) => file('image/png', pngOf(index === 5 ? 3_000 : 9)));
  return [dice.oneOf(STRANGE)];
}

function answerPart(dice: Dice): unknown[] {
  const kind = dice.next();
  if (kind < 0.15) return [{ type: 'step-start' }];
  if (kind < 0.45)
    return [
      { type: 'text', text: dice.oneOf(TEXTS), state: 'done', providerMetadata: dice.oneOf(TEXT_NOTES) },
    ];
  if (kind < 0.6)
    return [{ type: 'reasoning', text: dice.oneOf(TEXTS), providerMetadata: dice.oneOf(REASONING_NOTES) }];
  if (kind < 0.9) return [toolPart(dice)];
  if (kind < 0.95) return [dice.oneOf(Object.values(FILES))];
  return [dice.oneOf(STRANGE)];
}

function toolPart(dice: Dice): object {
  const name = dice.oneOf(NAMES);
  const state = dice.oneOf(STATES);
  const input = dice.oneOf(INPUTS);
  const isInvalid = state === 'output-error' && dice.chance(0.5);
  return {
    ...(dice.chance(0.5) ? { type: `tool-${name}` } : { type: 'dynamic-tool', toolName: name }),
    toolCallId: dice.oneOf([
      'call_1',
      'call_2',
      'functions.weather:0',
      '',
      'toolu_ü',
      'y'.repeat(300),
      `id${dice.below(1e6)}`,
    ]),
    state,
    ...(isInvalid ? { rawInput: input } : { input }),
    ...(state === 'output-available' ? { output: dice.oneOf(OUTPUTS), preliminary: dice.chance(0.1) } : {}),
    ...(state === 'output-error' ? { errorText: dice.oneOf(['It failed.', '', 'half \ud83d']) } : {}),
    ...(state.startsWith('approval') ? { approval: { id: 'approval1', approved: true } } : {}),
    ...(dice.chance(0.2) ? { providerExecuted: true } : {}),
    callProviderMetadata: dice.oneOf([
      ...TEXT_NOTES,
      { google: { serverToolCallId: 'a', serverToolType: 'b' } },
      { anthropic: { toolsetName: 'computer', caller: { type: 'direct' } } },
    ]),
  };
}
