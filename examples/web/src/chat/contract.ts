import type { InferUIMessageChunk, UIMessage } from 'ai';

/*
 * What `POST /api/chat` streams and `GET /api/chats/:id/messages` returns, as types of the AI SDK. This file has only
 * types and imports nothing else of the server, so a client can import it or copy it:
 *
 *   const { messages } = useChat<ChatMessage>({ transport: new DefaultChatTransport<ChatMessage>({ api }) });
 */

export type AgentName = 'chat' | 'artifact' | 'git_mcp';
export type DocumentKind = 'text' | 'code' | 'image' | 'sheet';
export type MessageStatus = 'complete' | 'streaming' | 'stopped' | 'interrupted' | 'failed';
export type AnswerFinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error';

/** Tokens of an answer. They are integers. */
export interface AnswerUsage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  cachedInputTokens: number;
  reasoningTokens: number;
}

/**
 * The `metadata` of an answer, the same live and after a reload. `createdAt` and `model` come with `start`. The rest comes
 * with the end.
 */
export interface ChatMetadata {
  /** ISO 8601, UTC. */
  createdAt?: string;
  /** `provider/model`. */
  model?: string;
  /** The model that would have answered, if `model` is one of its `fallbackModels`. */
  fallbackFor?: string;
  agentType?: AgentName;
  status?: MessageStatus;
  /** Absent for answers that were stopped or interrupted. */
  finishReason?: AnswerFinishReason;
  /** Absent for readers of a public chat who are not its owner. */
  usage?: AnswerUsage;
  /** USD. Absent for readers of a public chat who are not its owner. */
  cost?: number;
  /** Why the answer failed. */
  error?: { code: string; message: string };
}

/** A proposed edit of a document. */
export interface SuggestedEdit {
  id: string;
  documentId: string;
  /** The version of the document that the suggestion was made for. */
  documentCreatedAt: string;
  userId: string;
  originalText: string;
  suggestedText: string;
  description: string | null;
  isResolved: boolean;
  createdAt: string;
}

/** The `data-*` parts by their names. Those marked transient only reach `onData` and are not part of the message. */
// An interface would not be assignable to the index signature of the AI SDK's `UIDataTypes`.
export type ChatDataParts = {
  /** The agent that answers, and why. Right after routing. */
  agent: { agentType: AgentName; reason: string };
  /** Transient. The title of a new chat. */
  'chat-title': { title: string };
  /** Transient. How full the context of the model was. Before the end. */
  context: { inputTokens: number; contextWindow: number | null; summarizedThrough: string | null };
  /** Files of earlier messages that the vendor could not process. The answer continues without them. */
  refusedFiles: Array<{ messageId: string; name: string }>;
  /** A document that was not finished. It was not stored as a version. */
  draft: { id: string; title: string; kind: DocumentKind; content: string };
  /** Transient, like all that follow: a document begins, with its kind, id and title. */
  kind: DocumentKind;
  id: string;
  title: string;
  /** The content so far is void. */
  clear: null;
  /** The next piece of a text. */
  textDelta: string;
  /** The whole code so far. */
  codeDelta: string;
  /** The whole sheet so far, as CSV. */
  sheetDelta: string;
  /** The whole image, in Base64. */
  imageDelta: string;
  suggestion: SuggestedEdit;
  /** The document is finished. */
  finish: null;
};

/** A message of a chat. */
export type ChatMessage = UIMessage<ChatMetadata, ChatDataParts>;

/** A chunk of the stream of an answer. */
export type ChatChunk = InferUIMessageChunk<ChatMessage>;

/** A message of `GET /api/chats/:id/messages`: a `ChatMessage` with more fields. */
export type StoredChatMessage = ChatMessage & {
  chatId: string;
  createdAt: string;
  status: MessageStatus;
  finishReason: AnswerFinishReason | null;
  modelUsed: string | null;
  attachments: unknown[];
  /** Null for readers of a public chat who are not its owner, like `outputTokens` and `cost`. */
  inputTokens: number | null;
  outputTokens: number | null;
  cost: number | null;
};

/** The output of the tools `createDocument` and `updateDocument`. */
export interface DocumentToolOutput {
  id: string;
  title: string;
  kind: DocumentKind;
  /** The `createdAt` of the version that was stored. */
  version: string;
  /** Of `updateDocument`. */
  changedBy?: 'edits' | 'rewriting';
  /** What the model is told. */
  content: string;
}

/** The output of the tool `requestSuggestions`. */
export interface SuggestionsToolOutput {
  id: string;
  count: number;
  content: string;
}

/** An error of the API (RFC 9457). If a request of `useChat` is refused, `error.message` is this document as JSON. */
export interface ApiProblem {
  type: string;
  title: string;
  status: number;
  /** For people. */
  detail: string;
  /** For programs, for example `stream_in_progress`, `rate_limited` or `api_key_missing`. */
  code: string;
  requestId: string;
  /** The invalid fields. */
  errors?: Array<{ path: string; message: string }>;
}
