import type { UIMessage } from 'ai';
import type { AppError } from '../../common/errors/app-error.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';

/** The title of a chat that has none of its own yet. */
export const DEFAULT_TITLE = 'New chat';

export type MessageStatus = 'complete' | 'streaming' | 'stopped' | 'interrupted' | 'failed';

/** A user's message after validation. */
export interface UserMessage {
  id: string;
  parts: UIMessage['parts'];
}

/** The user's decision on a tool call that waits for it. */
export interface ToolApproval {
  approvalId: string;
  approved: boolean;
  reason?: string;
}

/** An answer that a client sends back, and what the client has of it: the number of its steps, and the ids of its calls. */
export interface SentAnswer {
  messageId: string;
  heldSteps: number;
  heldCalls: string[];
}

/** Submit a message (a new one, or an edit of an existing one), answer again, or continue an answer that waits. */
export type TurnAction =
  | { type: 'submit'; message: UserMessage }
  | { type: 'regenerate'; messageId?: string }
  | ({ type: 'approve'; approvals: ToolApproval[] } & SentAnswer);

/** The request of `POST /api/chat` that sends an answer back in which nothing waits for the user: the answer is shown as it is stored. */
export interface ShowRequest {
  chatId: string;
  action: { type: 'show' } & SentAnswer;
  /** The error of the request if it is not an answer of the chat. */
  otherwise: AppError;
}

/** Any other request of `POST /api/chat`. Ids are stored ids. */
export interface TurnRequest {
  chatId: string;
  action: TurnAction;
  model?: string;
  /** For an answer that is continued: the model that its own one stands in for. */
  standsInFor?: string;
  agent: 'auto' | AnsweringAgent;
  /** Stops another answer that is running in the chat, even if someone reads it. */
  interrupt?: boolean;
  visibility?: 'public' | 'private';
  /** Whether the model should think before it answers. If absent, the configuration decides. */
  thinking?: boolean;
  /** The document that is open next to the chat. */
  documentId?: string;
  /** The connected repository that the conversation is about. */
  repositoryId?: string;
  /** The sizes in bytes of the question's files in storage, by their path. */
  fileSizes?: ReadonlyMap<string, number>;
}

/** The `messageMetadata` of `finish`. Tokens are integers, cost is in USD. It is also stored with the message. */
export interface AnswerMetadata {
  agentType: AnsweringAgent;
  /** `provider/model`. */
  model: string;
  /** The model that would have answered, if this is one of its `fallbackModels`. */
  fallbackFor?: string;
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
