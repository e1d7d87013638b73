import type { AgentType } from '../admin-config/config-schemas.js';
import type { Cost, TokenUsage } from './pricing.js';

/** How a call ended; `interrupted` is what recovery makes of a call that a crash cut off. */
export type CallStatus = 'success' | 'error' | 'aborted' | 'interrupted';

/** What a model call is made for; the agent types of the schema say who makes it. */
export type UsagePurpose = 'answer' | 'title' | 'routing' | 'suggestions' | 'image' | 'config-test';

/** `usage_logs.metadata`. Counts of tokens are parts of the row's own figures, never in addition to them. */
export interface CallMetadata {
  status?: CallStatus;
  purpose: string;
  requestId: string;
  messageId?: string;
  /** True when the key was the user's own. */
  ownKey: boolean;
  errorCode?: string;
  finishReason?: string;
  toolCalls?: Array<{ toolName: string; toolCallId: string }>;
  cachedInputTokens?: number;
  cacheWriteTokens?: number;
  cacheWriteHourTokens?: number;
  imageInputTokens?: number;
  audioInputTokens?: number;
  imageOutputTokens?: number;
  reasoningTokens?: number;
  timeToFirstTokenMs?: number;
  /** True when the provider reported no figures, only some or impossible ones, so that they are an estimate. */
  estimated?: boolean;
  /** Searches that the vendor made, for a fee each. */
  webSearches?: number;
  /** The model that has answered, as the vendor names it. */
  answeredBy?: string;
  /** USD before rounding. */
  unroundedCost?: { inputCost: string; outputCost: string; totalCost: string; feeCost?: string };
  /** The version of `model_catalog` that the price is from. */
  priceVersion?: number;
  /** True when the catalog has no price for the model: what the call has cost is not known. */
  unpriced?: boolean;
}

/** A call that was sent. */
export interface SentCall {
  id: string;
  userId: string;
  chatId?: string;
  agentType: AgentType;
  /** The vendor's own id of the model, without the provider. */
  model: string;
  provider: string;
  requestedAt: Date;
  metadata: CallMetadata;
}

/** What a call has used and cost. */
export interface CallFigures {
  tokens: TokenUsage;
  cost: Cost;
}

/** A call that has ended; `metadata.messageId` is the answer whose own figures it adds to. */
export interface FinishedCall extends SentCall, CallFigures {
  respondedAt: Date;
  durationMs: number;
}

/** Calls of one run that are to be booked, as `switchboard.book_calls` takes them. */
export interface Booking {
  /** See `toBooks`. */
  calls: string;
  /** Their chat, and the answer whose own figures some of them add to. */
  chatId?: string;
  answerId?: string;
  /** The run, where it has a row. */
  runId?: string;
  /** What of its calls stays in the row; without, the row goes. */
  callsLeft?: string;
  /** Then nothing is reserved any more. */
  isOver: boolean;
}
