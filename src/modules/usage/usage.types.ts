import type { AgentType } from '../admin-config/config-schemas.js';
import type { Cost, TokenUsage } from './pricing.js';

/** How a call ended; `interrupted` is what the next start makes of a call that a crash cut off. */
export type CallStatus = 'success' | 'error' | 'aborted' | 'interrupted';

/** `usage_logs.metadata`. Counts of tokens are parts of the row's own figures, never in addition to them. */
export interface CallMetadata {
  status?: CallStatus;
  purpose: string;
  requestId: string;
  messageId?: string;
  /** The process that makes the call, while it is open. */
  instanceId?: number;
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

export interface StartedCall {
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

export interface FinishedCall extends StartedCall {
  /** The answer whose own figures the call adds to. */
  messageId?: string;
  tokens: TokenUsage;
  cost: Cost;
  respondedAt: Date;
  durationMs: number;
}
