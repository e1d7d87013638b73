import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { invalidField, notFound, streamInProgress, unavailable } from '../../common/errors/app-error.js';
import type { Last, Statement } from '../../common/database/database.js';
import { postgresCode } from '../../common/errors/postgres-errors.js';
import { AdmissionService } from '../rate-limit/admission.service.js';
import type { AdmissionRequest, AdmissionResult, AgentUse } from '../rate-limit/admission.types.js';
import { toJson } from '../../common/database/stored-json.js';
import { DEFAULT_TITLE } from './title.service.js';
import type { Turn } from './turn.js';
import { fromFirstQuestion, planChange, targetOf, toUiMessage } from './turn-change.js';
import { TurnRecovery } from './turn-recovery.js';
import { type HistoryRow, TurnRepository } from './turn.repository.js';
import { partsForModel, readParts } from './stored-parts.js';
import { applyApprovals, type AskedApproval } from './tool-approvals.js';
import { ToolApprovalsRepository } from './tool-approvals.repository.js';
import type { ApprovedCall } from '../agents/agent.js';
import type { AnswerMetadata, ToolApproval } from './turn.types.js';

/** A turn whose rows are stored: the question, the empty answer, the mark of the active stream. */
export interface OpenedTurn {
  /** Up to and including the message to answer. */
  history: UIMessage[];
  /** True when the chat has no title of its own yet. */
  needsTitle: boolean;
  /** Of an answer that goes on: what it has used so far, and which agent had begun it. */
  continued?: AnswerMetadata;
  /** Of an answer that goes on: its parts before the user's word, and what it had asked for. */
  waiting?: UIMessage['parts'];
  asked?: AskedApproval[];
  /** Of an answer that goes on: its parts with the user's word, as JSON. */
  resumed?: string;
  /** Of an answer that goes on: the calls that may be made. */
  approved?: Map<string, ApprovedCall>;
  /** Of a turn whose agent is not known yet. */
  pending?: PendingTurn;
}

/** A turn that is stored, and not let in yet: what it is still to change, and what goes away again if it is refused. */
export interface PendingTurn {
  /** What is removed or replaced by it stays until it is let in. */
  changes: Statement[];
  /** Its answer, and its question where that is new. */
  messageIds: string[];
  chatIsNew: boolean;
}

/** How a turn gets in: by the limits of its agent, or, before that is known, by whether any that it could be has room. */
export type Entry = { admission: AdmissionRequest } | { outlook: readonly AdmissionRequest[] };

/** The same, while the end of its transaction is still under way: a model may be asked, but nobody told of its answer. */
export interface StoringTurn extends OpenedTurn {
  stored: Promise<void>;
}

/** The first transaction of a turn: it stores the user's message before any model is asked. */
@Injectable()
export class TurnOpening {
  private readonly logger = new Logger(TurnOpening.name);

  constructor(
    private readonly repository: TurnRepository,
    private readonly recovery: TurnRecovery,
    private readonly approvals: ToolApprovalsRepository,
    private readonly admissions: AdmissionService,
  ) {}

  /**
   * @param activeStreams of this process, itself included: others that bear its number are leftovers
   * @param entry what to be let in by, in the same transaction: whoever is refused leaves nothing behind, and a turn
   *   that is refused for anything else has used up nothing
   * @throws AppError 404 for a chat or message that is not the user's, 409 while another instance answers in it, 429
   */
  async open(turn: Turn, identity: Identity, activeStreams: string[], entry: Entry): Promise<StoringTurn> {
    for (let attempt = 1; ; attempt++) {
      const early = Promise.withResolvers<OpenedTurn>();
      const transaction = this.repository
        .asUser(
          identity,
          async (manager, last, before) => {
            const opened = await this.tryOpen(manager, last, turn, { putOff: 'outlook' in entry, before });
            if (opened === 'leftover' || opened === 'taken') throw new OpenAgain(opened);
            if ('outlook' in entry) this.admissions.expectRoom(entry.outlook, (await before) as AgentUse[]);
            else this.letIn(turn, entry.admission, (await before) as AdmissionResult[]);
            // A call that was approved is made once: only when nobody can approve it again.
            if (turn.request.action.type !== 'approve') early.resolve(opened);
            return opened;
          },
          this.before(turn, entry),
        )
        .catch(explain);
      const opened = await Promise.race([early.promise, transaction]).catch(orAgain);
      if (!(opened instanceof OpenAgain)) return { ...opened, stored: transaction.then(() => undefined) };
      // Either a dead instance has left its mark, or the user has created the chat at this very moment. A chat that stays
      // out of sight is somebody else's, and no reason to look after theirs.
      if (attempt === 3)
        throw opened.because === 'leftover'
          ? unavailable('The last answer of this chat is still being stored. Try again.', 2)
          : notFound('The chat');
      if (opened.because === 'leftover') await this.recovery.recoverChat(turn.chatId, activeStreams);
    }
  }

  /**
   * Lets a turn in whose agent is known now, and makes its changes. If it is refused, what was stored of it goes away
   * again: its question, its answer, and the chat if there was none.
   *
   * @param admission absent for a turn that was ended meanwhile, and asks no agent any more
   * @throws AppError 429
   */
  async enter(
    turn: Turn,
    identity: Identity,
    { pending, stored }: StoringTurn,
    admission: AdmissionRequest | undefined,
  ): Promise<void> {
    await stored;
    if (!pending) return;
    const { changes } = pending;
    try {
      if (changes.length === 0) {
        if (admission) turn.admission = await this.admissions.admit(admission);
        return;
      }
      await this.repository.asUser(
        identity,
        async (_manager, last, before) => {
          if (admission) this.letIn(turn, admission, (await before) as AdmissionResult[]);
          last(...changes);
        },
        admission && this.admissions.asking(admission),
      );
    } catch (error) {
      await this.withdraw(turn, identity, pending);
      throw error;
    }
  }

  /**
   * Who had begun the answer that is to go on; undefined for a request of any other kind.
   *
   * @throws AppError 404 when the message is not the user's, 400 when it waits for nothing
   */
  async findBegun({ request }: Turn, identity: Identity): Promise<AnswerMetadata | undefined> {
    const { action, chatId } = request;
    if (action.type !== 'approve') return undefined;
    const { messageId } = action;
    const answer = await this.approvals.findWaiting({ messageId, chatId, userId: identity.id });
    if (answer) return answer;
    const isThere = await this.repository.asUser(identity, (manager) =>
      this.repository.isAnswer(manager, chatId, messageId),
    );
    throw isThere
      ? invalidField('message.parts', 'none of these calls is waiting for approval')
      : notFound('The message');
  }

  /** What runs as the service before the user's own statements: the admission, and the approvals that are taken with it. */
  private before({ chatId, userId, request: { action } }: Turn, entry: Entry): Statement {
    if ('outlook' in entry) return this.admissions.looking(entry.outlook);
    const admission = this.admissions.asking(entry.admission);
    if (action.type !== 'approve') return admission;
    return this.approvals.taking(admission, { messageId: action.messageId, chatId, userId });
  }

  /** Never rejects: what is left is closed as interrupted, like the answers of a crash. */
  private async withdraw(turn: Turn, identity: Identity, pending: PendingTurn): Promise<void> {
    try {
      await this.repository.withdraw(identity, turn, pending);
    } catch (error) {
      this.logger.warn({ err: error, chatId: turn.chatId }, 'A refused turn could not be rolled back.');
    }
  }

  private letIn(turn: Turn, request: AdmissionRequest, [result]: AdmissionResult[]): void {
    if (!result) throw new Error('An admission statement returned no result.');
    // A transaction that is tried once more has let nobody in.
    turn.admission?.settlement();
    turn.admission = this.admissions.decide(request, result);
  }

  /**
   * @param putOff whether changes of what is there are left to {@link enter}
   * @param before the rows of the statement that ran as the service
   */
  private async tryOpen(
    manager: EntityManager,
    last: Last,
    turn: Turn,
    { putOff, before }: { putOff: boolean; before: Promise<unknown> },
  ): Promise<OpenedTurn | Obstacle> {
    const { request, userId } = turn;
    const create = request.action.type === 'submit';
    const chat = {
      id: turn.chatId,
      userId,
      title: DEFAULT_TITLE,
      visibility: request.visibility ?? 'private',
      create,
    };
    // All are sent at once, in this order: one round trip.
    const [state, stream, rows] = await Promise.all([
      this.repository.openChat(manager, chat),
      this.repository.findActiveStream(manager, turn.chatId),
      this.repository.findHistory(manager, turn.chatId, targetOf(request)),
    ]);
    if (!state) {
      if (!create) throw notFound('The chat');
      return 'taken';
    }
    if (stream?.writtenElsewhere) throw streamInProgress();
    if (stream) return 'leftover';

    const needsTitle = state.title === DEFAULT_TITLE;
    if (request.action.type === 'approve') {
      const asked = this.approvals.takenFrom(await before);
      return this.goOn(manager, turn, rows, { approvals: request.action.approvals, asked });
    }
    const { kept, removesLater, edits } = planChange(rows, request.action);
    const lastKept = kept.at(-1);
    const userMessage = request.action.type === 'submit' ? request.action.message : undefined;
    const now = Math.max(Date.now(), (lastKept?.createdAt.getTime() ?? 0) + 1);
    const changes: Statement[] = [];
    if (lastKept && removesLater) changes.push(this.repository.removalAfter(turn, lastKept));
    if (userMessage && edits) changes.push(this.repository.replacement(userMessage));
    const isNew = userMessage !== undefined && !edits;
    turn.answerCreatedAt = new Date(isNew ? now + 1 : now);
    last(
      ...(putOff ? [] : changes),
      this.repository.insertTurn({
        chatId: turn.chatId,
        answerId: turn.answerId,
        streamId: turn.streamId,
        userMessage: isNew ? { ...userMessage, createdAt: new Date(now) } : undefined,
        answerCreatedAt: turn.answerCreatedAt,
      }),
    );
    const history = fromFirstQuestion(kept).map(toUiMessage);
    if (userMessage) {
      if (edits) history.pop();
      history.push({ ...userMessage, role: 'user' });
    }
    if (!putOff) return { history, needsTitle };
    const messageIds = [turn.answerId, ...(isNew ? [userMessage.id] : [])];
    return { history, needsTitle, pending: { changes, messageIds, chatIsNew: state.created } };
  }

  /** The user has answered what the last answer had asked for. */
  private async goOn(
    manager: EntityManager,
    turn: Turn,
    rows: HistoryRow[],
    { approvals, asked }: { approvals: ToolApproval[]; asked: AskedApproval[] },
  ): Promise<OpenedTurn> {
    const last = rows.at(-1);
    if (!last || last.id !== turn.answerId || last.role !== 'assistant') {
      throw rows.some(({ id }) => id === turn.answerId)
        ? invalidField('message.id', 'is not the last message of the chat')
        : notFound('The message');
    }
    const waiting = readParts(last.parts);
    const { parts, answered, approved } = applyApprovals(waiting, approvals, asked);
    const resumed = toJson(parts);
    await this.repository.reopenAnswer(manager, {
      id: last.id,
      chatId: turn.chatId,
      streamId: turn.streamId,
      parts: resumed,
    });
    const { id, role } = last;
    const history = [
      ...fromFirstQuestion(rows.slice(0, -1)).map(toUiMessage),
      { id, role, parts: partsForModel(role, parts, answered) },
    ];
    turn.answer.restore(parts);
    turn.answerCreatedAt = last.createdAt;
    return {
      history,
      // Its title is named after its first question.
      needsTitle: false,
      continued: asked[0]?.answer,
      waiting,
      asked,
      resumed,
      approved,
    };
  }
}

/** What stands in the way for a moment: the mark of a dead instance, or a chat of this id that can not be seen (yet). */
type Obstacle = 'leftover' | 'taken';

/** Ends a transaction that finds the chat in a state that will pass, and undoes what it has done so far. */
class OpenAgain extends Error {
  constructor(readonly because: Obstacle) {
    super(`The turn is opened again: ${because}.`);
  }
}

function orAgain(error: unknown): OpenAgain {
  if (error instanceof OpenAgain) return error;
  throw error;
}

/** The id of a message that stands in another chat, the user's or a stranger's: which one is not revealed. */
function explain(error: unknown): never {
  throw postgresCode(error) === '23505' ? notFound('The message in this chat') : error;
}
