/** The API's resources, as far as this client uses them. `/docs` describes them in full. */

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface Me {
  id: string;
  email: string | null;
  role: 'user' | 'admin';
}

export interface Chat {
  id: string;
  title: string;
  visibility: 'private' | 'public';
  createdAt: string;
  updatedAt: string;
  totalCost: number | null;
  isOwner: boolean;
  isStreaming: boolean;
  context?: ChatContext | null;
}

/** How full the model's context window was at the last call. */
export interface ChatContext {
  inputTokens: number;
  contextWindow: number | null;
}

export interface Vote {
  messageId: string;
  isUpvoted: boolean;
}

export type DocumentKind = 'text' | 'code' | 'image' | 'sheet';

/** One version. `createdAt` is its identifier. */
export interface DocumentVersion {
  id: string;
  title: string;
  kind: DocumentKind;
  content: string;
  createdAt: string;
}

export interface Suggestion {
  id: string;
  documentId: string;
  originalText: string;
  suggestedText: string;
  description: string | null;
}

export interface Model {
  id: string;
  name: string;
  provider: string;
  isDefault: boolean;
  pricing: { input: number; output: number } | null;
  available: boolean;
  reason?: string;
}

export interface Repository {
  id: string;
  owner: string;
  name: string;
}

export interface RateLimit {
  agentType: string;
  limitType: 'hourly' | 'daily';
  limit: number;
  used: number;
  remaining: number;
  resetsAt: string;
}

export interface UsageFigures {
  calls: number;
  errors: number;
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  totalCost: number;
}

export interface UsageSummary extends UsageFigures {
  byAgent: Array<UsageFigures & { agentType: string }>;
  byModel: Array<UsageFigures & { model: string }>;
  /** For administrators. */
  byUser?: Array<UsageFigures & { userId: string; email: string | null }>;
  previous: UsageFigures;
}

export interface UsagePoint extends UsageFigures {
  start: string;
}

export interface UsageProjection {
  days: number;
  projectedCost: number;
}

export interface UsageLog {
  id: string;
  agentType: string;
  modelUsed: string;
  inputTokens: number;
  outputTokens: number;
  totalCost: number;
  requestTimestamp: string;
  durationMs: number | null;
  status: string;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface Config {
  configKey: string;
  configData: JsonObject;
  version: number;
  updatedAt: string;
}

export interface ConfigVersion {
  version: number;
  action: string;
  configData: JsonObject | null;
  changedBy: string | null;
  changedAt: string;
}

export interface Person {
  id: string;
  email: string | null;
  role: 'user' | 'admin';
  isActive: boolean;
  createdAt: string;
  lastSignInAt: string | null;
  chats: number;
}

export interface AuditEntry {
  id: string;
  actor: string | null;
  action: string;
  target: string;
  createdAt: string;
}

export interface Upload {
  path: string;
  token: string;
}
