import { AsyncLocalStorage } from 'node:async_hooks';
import type { AgentType } from '../admin-config/config-schemas.js';
import { addMoney, NO_TOKENS, type TokenUsage } from './pricing.js';
import type { FinishedCall } from './usage.types.js';

/** What a model call is made for; the agent types of the schema say who makes it. */
export type UsagePurpose = 'answer' | 'title' | 'routing' | 'suggestions' | 'image' | 'config-test';

/** Whom and what a model call is accounted to. */
export interface UsageContext {
  userId: string;
  requestId: string;
  agentType: AgentType;
  purpose: UsagePurpose;
  chatId?: string;
  /** The answer whose own figures the call adds to. */
  messageId?: string;
  /** True when the call is made with a key that the user sent. */
  ownKey?: boolean;
  tally?: UsageTally;
  /** Resolves when the rows of the chat are there: calls may begin before them. */
  ready?: Promise<unknown>;
}

/** A call that has ended is written at the latest after this time, in milliseconds. */
const WRITE_AFTER = 100;

/**
 * Sums the calls of one piece of work. A call that has ended waits a moment for what is written next: mostly the end of the
 * work itself, and then both are stored together, in one transaction.
 */
export class UsageTally {
  tokens: TokenUsage;
  totalCost: string;
  private waiting: FinishedCall[] = [];
  private timer?: NodeJS.Timeout;
  private readonly writes: Array<Promise<unknown>> = [];

  /** @param before what an answer that goes on had used */
  constructor(
    private readonly write: (calls: FinishedCall[]) => Promise<unknown>,
    before: { tokens: TokenUsage; totalCost: string } = { tokens: NO_TOKENS, totalCost: '0' },
  ) {
    this.tokens = before.tokens;
    this.totalCost = before.totalCost;
  }

  add(call: FinishedCall): void {
    const { tokens, cost } = call;
    this.tokens = {
      inputTokens: this.tokens.inputTokens + tokens.inputTokens,
      cachedInputTokens: this.tokens.cachedInputTokens + tokens.cachedInputTokens,
      cacheWriteTokens: this.tokens.cacheWriteTokens + tokens.cacheWriteTokens,
      outputTokens: this.tokens.outputTokens + tokens.outputTokens,
      reasoningTokens: this.tokens.reasoningTokens + tokens.reasoningTokens,
    };
    this.totalCost = addMoney(this.totalCost, cost.totalCost);
    this.waiting.push(call);
    this.timer ??= setTimeout(() => this.writes.push(this.write(this.take())), WRITE_AFTER);
  }

  /** The calls that are not written yet; whoever takes them writes them. */
  take(): FinishedCall[] {
    clearTimeout(this.timer);
    this.timer = undefined;
    return this.waiting.splice(0);
  }

  /** Writes what is waiting, and resolves like {@link stored}. */
  async flush(): Promise<void> {
    const calls = this.take();
    if (calls.length > 0) this.writes.push(this.write(calls));
    await this.stored();
  }

  /** Resolves when every call that was not taken is in the database (or has been given up and logged). */
  async stored(): Promise<void> {
    await Promise.all(this.writes);
  }
}

export const usageContext = new AsyncLocalStorage<UsageContext>();

/**
 * Runs `fn` with the usage context narrowed to one piece of work.
 *
 * @throws Error outside of any context: nothing that reaches a model may go unaccounted
 */
export function withUsage<T>(refinement: Partial<UsageContext>, fn: () => T): T {
  return usageContext.run({ ...currentUsage(), ...refinement }, fn);
}

/** Resolves when the calls of the present piece of work that have ended so far are in the database. */
export async function accountedSoFar(): Promise<void> {
  await currentUsage().tally?.flush();
}

/** @throws Error outside of any context */
export function currentUsage(): UsageContext {
  const context = usageContext.getStore();
  if (!context)
    throw new Error('A model was called outside of a usage context. The call would not be recorded.');
  return context;
}
