import { createHash } from 'node:crypto';
import type { Body } from './dialect.js';
import type { TokenFigures } from './reply.js';

/** Anthropic's rules of prompt caching: https://platform.claude.com/docs/en/build-with-claude/prompt-caching */

const MAX_BREAKPOINTS = 4;
/** Places before a breakpoint that are searched for an earlier one. */
const LOOKBACK = 20;
const CHARACTERS_PER_TOKEN = 4;
const SECONDS: Record<string, number> = { '5m': 300, '1h': 3_600 };

/** One block of a request in the order of the cache: tools, system prompt, messages. */
interface Place {
  /** Of all blocks up to this one, without their marks. */
  prefix: string;
  tokens: number;
  ttl?: string;
}

type InputFigures = Pick<TokenFigures, 'input' | 'cachedRead' | 'cacheWrite' | 'cacheWriteHour'>;

/** What one organization has in its cache. */
export class AnthropicCache {
  private readonly entries = new Map<string, { ttl: string; until: number }>();

  private readonly minimum: number;
  private readonly now: () => number;

  /** @param minimum tokens of a prompt below which marks have no effect; 1,024 for most models */
  constructor(minimum = 1_024, now: () => number = Date.now) {
    this.minimum = minimum;
    this.now = now;
  }

  /** Reads a request as Anthropic does, and tells what of its input is billed at which price. */
  read(body: Body): InputFigures {
    const places = placesOf(body);
    const tokensAt = (index: number) => places[index]?.tokens ?? 0;
    const input = tokensAt(places.length - 1);
    const marks = places.flatMap(({ ttl, tokens }, index) =>
      ttl !== undefined && tokens >= this.minimum ? [{ index, ttl }] : [],
    );
    const found = Math.max(-1, ...marks.map(({ index }) => this.lookBack(places, index)));
    const cachedRead = tokensAt(found);
    let read = cachedRead;
    let cacheWriteHour = 0;
    for (const { index, ttl } of marks) {
      const { prefix = '' } = places[index] ?? {};
      this.entries.set(prefix, { ttl, until: this.now() + (SECONDS[ttl] ?? 0) * 1_000 });
      if (index <= found) continue;
      if (ttl === '1h') cacheWriteHour += tokensAt(index) - read;
      read = tokensAt(index);
    }
    return { input, cachedRead, cacheWrite: read - cachedRead, cacheWriteHour };
  }

  /** The last place at or before a breakpoint that is in the cache. Its use renews it. */
  private lookBack(places: readonly Place[], from: number): number {
    for (let index = from; index >= Math.max(0, from - LOOKBACK); index--) {
      const entry = this.entries.get(places[index]?.prefix ?? '');
      if (!entry || entry.until < this.now()) continue;
      entry.until = this.now() + (SECONDS[entry.ttl] ?? 0) * 1_000;
      return index;
    }
    return -1;
  }
}

/** Why Anthropic would refuse the marks of a request. */
export function breakpointProblem(body: Body): string | undefined {
  const blocks = blocksOf(body);
  const marks = blocks.flatMap(({ block }) => (block['cache_control'] ? [block] : []));
  if (marks.length > MAX_BREAKPOINTS)
    return `A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${marks.length}.`;
  for (const { type, text, cache_control: mark } of marks) {
    if (mark.type !== 'ephemeral' || !(mark.ttl === undefined || mark.ttl in SECONDS))
      return 'cache_control: Input should be a valid cache control';
    if (type === 'thinking' || type === 'redacted_thinking')
      return 'cache_control: Extra inputs are not permitted';
    if (type === 'text' && text === '') return 'cache_control cannot be set for empty text blocks';
  }
  const lifetimes = marks.map(({ cache_control: mark }) => String(mark.ttl ?? '5m'));
  if (lifetimes.lastIndexOf('1h') > lifetimes.indexOf('5m') && lifetimes.includes('5m'))
    return "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block";
  return undefined;
}

function placesOf(body: Body): Place[] {
  const hash = createHash('sha256').update(String(body['model']));
  let characters = 0;
  return blocksOf(body).map(({ role, block }) => {
    const { cache_control: mark, ...rest } = block;
    const written = JSON.stringify([role, rest]);
    characters += written.length;
    return {
      prefix: hash.update(written).copy().digest('hex'),
      tokens: Math.ceil(characters / CHARACTERS_PER_TOKEN),
      ...(mark ? { ttl: String(mark.ttl ?? '5m') } : {}),
    };
  });
}

function blocksOf(body: Body): Array<{ role: string; block: Body }> {
  const listed = (role: string, content: unknown) =>
    (Array.isArray(content) ? (content as Body[]) : content ? [{ type: 'text', text: content }] : []).map(
      (block) => ({ role, block }),
    );
  return [
    ...listed('tools', body['tools']),
    ...listed('system', body['system']),
    ...((body['messages'] ?? []) as Body[]).flatMap(({ role, content }) => listed(String(role), content)),
  ];
}
