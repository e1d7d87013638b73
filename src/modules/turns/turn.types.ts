import type { UIMessage, UIMessageChunk } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { UserKeys } from '../models/user-keys.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import type { Admission } from '../rate-limit/admission.js';

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

/** A call that the user has approved in this request. */
export interface ApprovedCall {
  toolName: string;
  input: unknown;
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

/** Where an agent puts what it says. */
export type Emit = (chunk: UIMessageChunk) => void;

/**
 * Puts a part into the answer as it is stored, in the place of the one that was noted with this id before: for what readers
 * are told in other ways, and what a crash must leave behind. Without data the part is taken out again.
 */
export type Note = (part: { type: `data-${string}`; id: string; data?: unknown }) => void;

export interface AgentInput {
  identity: Identity;
  /** The conversation up to and including the message to answer, oldest first. */
  history: UIMessage[];
  signal: AbortSignal;
  documentId?: string;
  repositoryId?: string;
  keys: UserKeys;
  note: Note;
  /** By their ids, the calls that the user has approved just now: others that want approval are not made. */
  approved?: Map<string, ApprovedCall>;
  /** Calls that the turn was not let in for are reserved with it. */
  admission?: Admission;
}
