import type { AgentType } from '../admin-config/config-schemas.js';
import type { Cost, TokenUsage } from './pricing.js';

/** How a call ended. Recovery sets `interrupted` for a call that a crash cut off. */
export type CallStatus = 'success' | 'error' | 'aborted' | 'interrupted';

/** The purpose of a model call. The agent types of the schema say which agent makes it. */
export type UsagePurpose =
  'answer' | 'title' | 'routing' | 'suggestions' | 'image' | 'compaction' | 'config-test';

/** `usage_logs.metadata`. Token counts here are parts of the row's own figures and must not be added to them. */
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
  /** True if the figures are estimated, because the provider reported none, only some, or impossible ones. */
  estimated?: boolean;
  /** Searches that the vendor made, each with a fee. */
  webSearches?: number;
  /** The model that has answered, as the vendor names it. */
  answeredBy?: string;
  /** USD before rounding. */
  unroundedCost?: { inputCost: string; outputCost: string; totalCost: string; feeCost?: string };
  /** The version of `model_catalog` that contains the price. */
  priceVersion?: number;
  /** True if the catalog has no price for the model, so the cost of the call is unknown. */
  unpriced?: boolean;
}

/** A call that was sent. */
export interface SentCall {
  id: string;
  userId: string;
  chatId?: string;
  agentType: AgentType;
  /** The vendor's id of the model, without the provider. */
  model: string;
  provider: string;
  requestedAt: Date;
  metadata: CallMetadata;
}

/** The usage and cost of a call. */
export interface CallFigures {
  tokens: TokenUsage;
  cost: Cost;
}

/** What is known of a call that is running. */
export interface CallSoFar extends CallFigures {
  metadata: CallMetadata;
}

/** A call that has ended. `metadata.messageId` is the answer that its figures are added to. */
export interface FinishedCall extends SentCall, CallFigures {
  respondedAt: Date;
  durationMs: number;
}

/** Calls of one run to book, in the format of `switchboard.book_calls`. */
export interface Booking {
  /** See `toBooks`. */
  calls: string;
  /** Their chat, and the answer that some of them add their figures to. */
  chatId?: string;
  answerId?: string;
  /** The run, if it has a row. */
  runId?: string;
  /** The calls that stay in the row. If absent, the row is deleted. */
  callsLeft?: string;
  /** True if the run no longer reserves anything. */
  isOver: boolean;
}
