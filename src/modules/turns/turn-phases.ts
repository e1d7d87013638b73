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
import type { SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { AskedApproval } from './tool-approvals.js';
import type { Turn } from './turn.js';
import type { AnswerMetadata, MessageStatus } from './turn.types.js';

// A turn passes through four phases. Each is a value that has what is known by then; none is changed afterwards.

/** The agents that could answer a request, each with the model it would use; never empty. */
export type Candidates = ReadonlyMap<AnsweringAgent, SelectedModel>;

export interface ChosenAgent extends AgentChoice {
  model: SelectedModel;
}

/** Who could answer is known; nothing is stored. */
export interface Admitting {
  turn: Turn;
  identity: Identity;
  keys: UserKeys;
  config: RuntimeConfig;
  candidates: Candidates;
  /** The agent that answers, where no model has to choose it. */
  obvious?: ChosenAgent;
  /** The model that chooses the agent otherwise. */
  router?: SelectedModel;
  /** Of an answer that goes on: which agent had begun it, and what it has used so far. */
  continued?: AnswerMetadata;
}

/** The question, the empty answer and the mark of the active stream are stored, or on their way to the disk. */
export interface Opened extends Admitting {
  run: AccountedRun;
  /** Up to and including the message to answer. */
  history: UIMessage[];
  /** True when the chat has no title of its own yet. */
  needsTitle: boolean;
  resumed?: Resumed;
  /** What is left to do when the agent of the turn is known; absent when it was admitted. */
  pending?: Pending;
  /** Resolves when the rows are there: a model may be asked before that, but nobody is told of its answer. */
  stored: Promise<void>;
}

/** An answer that goes on with the user's word on its calls. */
export interface Resumed {
  /** Its parts before the user's word, and what it had asked for. */
  waiting: UIMessage['parts'];
  asked: AskedApproval[];
  /** Its parts with the user's word, as JSON. */
  json: string;
  /** The calls that may be made. */
  approved: Map<string, ApprovedCall>;
}

/** A turn that is stored, and not admitted yet: what it is still to change, and what goes away again if it is refused. */
export interface Pending {
  /** What is removed or replaced by it stays until it is admitted. */
  changes: Statement[];
  /** Its answer, and its question where that is new. */
  messageIds: string[];
  chatIsNew: boolean;
}

/** The agent is known, and admitted: it answers. */
export interface Answering extends Opened {
  chosen: ChosenAgent;
}

/** How an answer ended. */
export interface End {
  status: MessageStatus;
  failure?: AppError;
  finishReason?: FinishReason;
}

/** Nothing more is said. */
export type Ending = Answering & End;
