import type { UIMessage } from 'ai';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';

/** The title of a chat that has none of its own yet. */
export const DEFAULT_TITLE = 'New chat';

export type MessageStatus = 'complete' | 'streaming' | 'stopped' | 'interrupted' | 'failed';

/** A user's message, checked. */
export interface UserMessage {
  id: string;
  parts: UIMessage['parts'];
}

/** The user's word on a tool call that waits for it. */
export interface ToolApproval {
  approvalId: string;
  approved: boolean;
  reason?: string;
}

/** Submit a message (a new one, or an edit of one that exists), answer again, or go on with an answer that waits. */
export type TurnAction =
  | { type: 'submit'; message: UserMessage }
  | { type: 'regenerate'; messageId?: string }
  | { type: 'approve'; messageId: string; approvals: ToolApproval[] };

/** What `POST /api/chat` asks for; ids are stored ids. */
export interface TurnRequest {
  chatId: string;
  action: TurnAction;
  model?: string;
  agent: 'auto' | AnsweringAgent;
  visibility?: 'public' | 'private';
  /** Whether the model is to think before it answers; as it is configured when absent. */
  thinking?: boolean;
  /** The document that is open beside the chat. */
  documentId?: string;
  /** The connected repository that is being discussed. */
  repositoryId?: string;
  /** Bytes of the files of the question that are in storage, by their path. */
  fileSizes?: ReadonlyMap<string, number>;
}

/** `messageMetadata` of `finish`; tokens are integers, cost is USD. Also stored with the message. */
export interface AnswerMetadata {
  agentType: AnsweringAgent;
  /** `provider/model`. */
  model: string;
  usage: {
    inputTokens: number;
    outputTokens: number;
    totalTokens: number;
    cachedInputTokens: number;
    reasoningTokens: number;
  };
  cost: number;
  error?: { code: string; message: string };
}
