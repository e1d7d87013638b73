import type { ProviderDouble, RecordedRequest } from '../doubles/provider-double.js';
import type { Script, ScriptedUsage } from '../doubles/script.js';
import { isCompactionCall, isTitleCall } from '../doubles/wire/reply.js';
import type { TestUser } from './app.js';

/** The purpose of a model call, derived from its request. */
export type CallKind = 'agent' | 'title' | 'routing' | 'compaction' | 'writer' | 'editor' | 'image';

/** One turn, or one request that calls a model without a chat. */
export interface Step {
  name: string;
  /** The user who pays for it. */
  user: TestUser;
  /** The answer that its calls belong to, once it is known. */
  answerId?: string;
  /** Stopped at any time: it is unknown whether a call had ended by then. */
  raced: boolean;
  /** Not a turn: the calls have no chat. */
  withoutChat: boolean;
  /** What the reader was told at the end of the answer. */
  metadata?: { usage: { inputTokens: number; outputTokens: number }; cost: number };
}

/** One user's chat, in which one step happens after the other. Its mark is in all of its texts. */
export interface Lane {
  mark: string;
  user: TestUser;
  chatId: string;
  repositoryId: string;
  questions: string[];
  step: Step;
  scripts: Partial<Record<CallKind, Script[]>>;
}

/** A request that reached the provider, and its answer. The reported figures are in `request.reported`. */
export interface LedgerCall {
  lane: Lane;
  step: Step;
  kind: CallKind;
  request: RecordedRequest;
  script: Script;
}

export interface Random {
  /** From 0 to `below` (exclusive). */
  int(below: number): number;
  pick<T>(from: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    int,
    pick: (from) => from[int(from.length)]!,
    shuffle: (items) =>
      items
        .map((item) => ({ item, at: next() }))
        .sort((left, right) => left.at - right.at)
        .map(({ item }) => item),
  };
}

const WORDS = { text: ['Some ', 'words ', 'to ', 'count'] };
const DEFAULTS: Record<CallKind, Script> = {
  agent: WORDS,
  title: { text: ['A title'] },
  routing: { text: ['{"agent":"chat","reason":"It is a question."}'] },
  compaction: { text: ['Some words.'] },
  writer: WORDS,
  editor: { text: ['{"suggestions":[]}'] },
  image: {},
};

/** Answers every request to a double, and keeps the records that the product's own are compared with. */
export class UsageLedger {
  readonly calls: LedgerCall[] = [];
  readonly lanes = new Map<string, Lane>();
  private count = 0;

  private readonly random: Random;

  constructor(double: ProviderDouble, random: Random) {
    this.random = random;
    double.enqueue((request) => this.answer(request), { when: () => true, times: Infinity });
  }

  open(lane: Lane): void {
    this.lanes.set(lane.mark, lane);
  }

  private answer(request: RecordedRequest): Script {
    const mark = /@[0-9a-f-]{36}@/.exec(JSON.stringify(request.body))?.[0];
    const lane = mark && this.lanes.get(mark);
    if (!lane) throw new Error('a call that nobody made');
    const kind = kindOf(request);
    const script: Script = { ...DEFAULTS[kind], ...lane.scripts[kind]?.shift(), usage: this.figures() };
    // An agent that was not chosen does not have the tools.
    const offered = JSON.stringify(request.body['tools'] ?? []);
    if (script.toolCalls?.some(({ name }) => !offered.includes(name))) delete script.toolCalls;
    else if (script.toolCalls) delete script.text;
    this.calls.push({ lane, step: lane.step, kind, request, script });
    return script;
  }

  /** No two calls read the same number of tokens, so that their rows are told apart. */
  private figures(): ScriptedUsage {
    const int = (below: number) => this.random.int(below);
    // Some prompts are long enough for the prices of long prompts.
    const input = 10_000 * (1 + int(35)) + ++this.count;
    const output = 1 + int(20_000);
    const cachedRead = int(3) === 0 ? 0 : int(input + 1);
    const cacheWrite = int(3) === 0 ? int(input - cachedRead + 1) : 0;
    return { input, cachedRead, cacheWrite, output, reasoning: int(2) === 0 ? 0 : int(output + 1) };
  }
}

function kindOf(request: RecordedRequest): CallKind {
  const { instructions, wantsImage } = request;
  if (wantsImage) return 'image';
  if (isTitleCall(request)) return 'title';
  if (isCompactionCall(request)) return 'compaction';
  if (instructions.includes('You decide which agent')) return 'routing';
  if (/You write the content of a document|You change a document as you are asked/.test(instructions))
    return 'writer';
  return instructions.includes('You are an editor') ? 'editor' : 'agent';
}
