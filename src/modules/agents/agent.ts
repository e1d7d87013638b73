import type { UIMessage, UIMessageChunk } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { Admission } from '../rate-limit/admission.js';
import type { RefusedFile } from './prompt/refused-files.js';

/** Answers a message. */
export interface Agent {
  /**
   * Emits the answer as chunks of the UI message stream, without `start` and `finish`.
   *
   * @returns how the model ended its answer, or undefined if no model was called
   * @throws the error of the provider
   */
  answer(input: AgentInput, model: SelectedModel, emit: Emit): Promise<AnswerEnd | undefined>;

  /**
   * Refuses what the agent could not answer, before anything is stored.
   *
   * @throws AppError with the reason
   */
  check?(identity: Identity, request: Pick<AgentInput, 'documentId' | 'repositoryId'>): Promise<void>;
}

/** A call that the user has approved in this request. */
export interface ApprovedCall {
  toolName: string;
  input: unknown;
}

/** Where an agent sends its output. */
export type Emit = (chunk: UIMessageChunk) => void;

/**
 * Puts a part into the stored answer. It replaces the part that was noted earlier with this id. This is for data that
 * readers get in other ways and that must survive a crash. Without data, the part is removed.
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
  /** The calls that the user has just approved, by their ids. Other calls that need approval are not made. */
  approved?: Map<string, ApprovedCall>;
  /** Reports files of the conversation that the vendor could not process. */
  onRefusedFiles?: (files: readonly RefusedFile[]) => void;
  /** Reports that the oldest turns were left out because the vendor refused the length of the prompt. */
  onShortened?: () => void;
  /** The conversation is not needed any more. It is empty after this. */
  onHistoryUsed?: () => void;
  /** Another model than the chosen one has begun to answer. Called before anything of its answer is emitted. */
  onModel?: (model: SelectedModel) => void;
  /** Reserves calls that the admission of the turn does not cover. */
  admission?: Admission;
}
