import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { Statement } from '../../common/database/database.js';
import type { AppError } from '../../common/errors/app-error.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import type { AccountedRun } from '../accounting/accounted-run.js';
import type { ApprovedCall } from '../agents/agent.js';
import type { AgentChoice } from '../agents/routing.agent.js';
import type { FinishReason } from '../models/ending.js';
import type { KnownSize } from '../compaction/conversation-fit.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { AskedApproval } from './tool-approvals.js';
import type { Turn } from './turn.js';
import type { AnswerMetadata, MessageStatus } from './turn.types.js';

// A turn passes through four phases. Each one is a value with everything that is known by then. It never changes.

/** The agents that could answer a request, each with the model that it would use. Never empty. */
export type Candidates = ReadonlyMap<AnsweringAgent, SelectedModel>;

export interface ChosenAgent extends AgentChoice {
  model: SelectedModel;
}

/** The possible agents are known. Nothing is stored yet. */
export interface Admitting {
  turn: Turn;
  identity: Identity;
  keys: UserKeys;
  config: RuntimeConfig;
  candidates: Candidates;
  /** The agent that answers, if no model must choose it. */
  obvious?: ChosenAgent;
  /** Otherwise, the model that chooses the agent. */
  router?: SelectedModel;
  /** For an answer that is continued: its agent, and its usage so far. */
  continued?: AnswerMetadata;
}

/** The question, the empty answer and the mark of the active stream are stored, or are being written to disk. */
export interface Opened extends Admitting {
  run: AccountedRun;
  /** Up to and including the message to answer. If the chat has a summary, it comes first. */
  history: UIMessage[];
  /** The last message of that summary. */
  summarizedThrough: string | null;
  /** The size of the conversation at the last answer, if it is known. */
  known?: KnownSize;
  /** True if the chat has no title of its own yet. */
  needsTitle: boolean;
  resumed?: Resumed;
  /** What is left to do once the agent of the turn is known. Absent if the turn was already admitted. */
  pending?: Pending;
  /** Resolves when the rows exist. A model may be called before that, but readers get no answer before it. */
  stored: Promise<void>;
}

/** An answer that is continued with the user's decisions on its calls. */
export interface Resumed {
  /** Its parts before the user's decisions, and the requested approvals. */
  waiting: UIMessage['parts'];
  asked: AskedApproval[];
  /** Its parts with the user's decisions, as JSON. */
  json: string;
  /** The calls that may be made. */
  approved: Map<string, ApprovedCall>;
}

/** A turn that is stored but not admitted yet: its remaining changes, and what to remove if it is refused. */
export interface Pending {
  /** The messages that it removes or replaces stay until it is admitted. */
  changes: Statement[];
  /** Its answer, and its question if that is new. */
  messageIds: string[];
  chatIsNew: boolean;
}

/** The agent is known and admitted, and it answers. */
export interface Answering extends Opened {
  chosen: ChosenAgent;
}

/** How an answer ended. */
export interface End {
  status: MessageStatus;
  failure?: AppError;
  finishReason?: FinishReason;
}

/** The answer is complete. */
export type Ending = Answering &
  End & {
    /** The number of messages up to and including the question. The history may have been released. */
    messages: number;
    /** True if messages were left out of its prompt because it would have been too long. */
    isShortened: boolean;
  };
