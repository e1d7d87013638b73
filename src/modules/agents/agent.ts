import type { UIMessage, UIMessageChunk } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { Admission } from '../rate-limit/admission.js';
import type { FileReader } from './prompt/file-content.js';
import type { RefusedFile } from './prompt/refused-files.js';

/** Answers a message. */
export interface Agent {
  /**
   * Emits the answer as chunks of the UI message stream, without `start` and `finish`.
   *
   * @returns how the model ended its answer, or undefined if no model was called
   * @throws what the provider failed with
   */
  answer(input: AgentInput, model: SelectedModel, emit: Emit): Promise<AnswerEnd | undefined>;

  /**
   * Refuses what it could not answer, before anything is stored.
   *
   * @throws AppError that says why
   */
  check?(identity: Identity, request: Pick<AgentInput, 'documentId' | 'repositoryId'>): Promise<void>;
}

/** A call that the user has approved in this request. */
export interface ApprovedCall {
  toolName: string;
  input: unknown;
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
  /** Reads files of the conversation that are not in their messages. */
  readFile?: FileReader;
  /** Takes files of the conversation that the vendor could not process. */
  onRefusedFiles?: (files: readonly RefusedFile[]) => void;
  /** Calls that the turn was not let in for are reserved with it. */
  admission?: Admission;
}
