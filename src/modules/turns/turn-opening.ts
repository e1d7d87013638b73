import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Last, Statement } from '../../common/database/database.js';
import { toJson } from '../../common/database/stored-json.js';
import { invalidField, notFound, streamInProgress, unavailable } from '../../common/errors/app-error.js';
import { postgresCode } from '../../common/errors/postgres-errors.js';
import type { AccountedRun } from '../accounting/accounted-run.js';
import { Accounting } from '../accounting/accounting.service.js';
import { AdmissionService } from '../rate-limit/admission.service.js';
import type { AdmissionRequest, AdmissionResult } from '../rate-limit/admission.types.js';
import { summaryMessage } from '../agents/prompt/conversation-summary.js';
import { textBytesWithin } from '../compaction/context-limit.js';
import { knownSize } from '../compaction/known-context.js';
import { type History, HistoryRepository } from './history.repository.js';
import { partsForModel, readParts } from './stored-parts.js';
import { applyApprovals, type AskedApproval, NothingWaits } from './tool-approvals.js';
import { ToolApprovalsRepository } from './tool-approvals.repository.js';
import { InstanceLife } from './instances/instance-life.js';
import type { Turn } from './turn.js';
import { TurnAdmission } from './turn-admission.js';
import { fromFirstQuestion, planChange, rangeOf, toUiMessage } from './turn-change.js';
import type { Admitting, ChosenAgent, Opened, Pending } from './turn-phases.js';
import { TurnRecovery } from './turn-recovery.js';
import { TurnRepository } from './turn.repository.js';
import { type AnswerMetadata, DEFAULT_TITLE, type ToolApproval } from './turn.types.js';

/**
 * How long a message waits to learn whether the instance that was answering in its chat is dead, in milliseconds. After a
 * crash this takes three seconds.
 */
const SILENCE = 5_000;
const SILENCE_CHECK = 250;

/** The results of the first transaction. */
type Found = Pick<Opened, 'history' | 'summarizedThrough' | 'known' | 'needsTitle' | 'resumed' | 'pending'>;

/**
 * What a turn requests from the limits and budgets: an admission, or, if its agent is not known yet, whether any agent
 * would be admitted.
 */
type Entry = { admission: AdmissionRequest } | { preview: readonly AdmissionRequest[]; routingCost: number };

/** The first transaction of a turn. It stores the user's message before any model is called. */
@Injectable()
export class TurnOpening {
  private readonly logger = new Logger(TurnOpening.name);

  constructor(
    private readonly repository: TurnRepository,
    private readonly histories: HistoryRepository,
    private readonly recovery: TurnRecovery,
    private readonly approvals: ToolApprovalsRepository,
    private readonly accounting: Accounting,
    private readonly admissions: AdmissionService,
    private readonly turnAdmission: TurnAdmission,
    private readonly life: InstanceLife,
  ) {}

  /**
   * Stores the turn and admits it in one transaction. A turn that is refused stores nothing, and a turn that fails for
   * another reason does not count. A turn whose agent is not known yet is stored if any agent would be admitted.
   *
   * @param activeStreams of this process, including this turn; others with its number are leftovers
   * @throws AppError 404 for a chat or message that is not the user's, 409 while another instance answers in it, 429
   */
  async open(admitting: Admitting, run: AccountedRun, activeStreams: string[]): Promise<Opened> {
    const { turn, identity, candidates, obvious } = admitting;
    const entry: Entry = obvious
      ? { admission: await this.turnAdmission.request(turn, obvious, admitting) }
      : {
          preview: await this.turnAdmission.preview(turn, candidates, admitting),
          routingCost: this.turnAdmission.routingCost(turn, candidates, admitting),
        };
    const since = performance.now();
    for (let attempt = 1; ;) {
      const early = Promise.withResolvers<Found>();
      const transaction = this.repository
        .asUser(
          identity,
          async (manager, last, before) => {
            const found = await this.findAndStore(manager, last, admitting, before);
            if (typeof found === 'string') throw new OpenAgain(found);
            const [admitted] = (await before) as [AdmissionResult[]];
            if ('admission' in entry) run.admit(entry.admission, admitted[0]);
            else this.admissions.assertAnyAllowed(entry.preview, admitted);
            // An approved call must only be made once, so the approval is removed first.
            if (turn.request.action.type !== 'approve') early.resolve(found);
            return found;
          },
          this.before(turn, run, entry),
        )
        .catch((error: unknown) => {
          run.forget();
          return explain(error);
        });
      const found = await Promise.race([early.promise, transaction]).catch(orAgain);
      if (!(found instanceof OpenAgain)) {
        const stored = transaction.then(() => this.life.untilDurable(turn.streamId));
        return { ...admitting, ...found, run, stored };
      }
      // Either a dead instance has left its mark, or the user has just created the chat. A chat that stays invisible
      // belongs to another user, and this user's request does not recover it.
      if (found.because === 'silent') {
        if (performance.now() - since > SILENCE) throw streamInProgress();
        await sleep(SILENCE_CHECK);
        continue;
      }
      if (++attempt > 3)
        throw found.because === 'leftover'
          ? unavailable('The last answer of this chat is still being stored. Try again.', 2)
          : notFound('The chat');
      if (found.because === 'leftover') await this.recovery.recoverChat(turn.chatId, activeStreams);
    }
  }

  /**
   * Admits a turn after its agent was chosen, and applies its changes. If it is refused, everything that was stored for
   * it is removed: its question, its answer, and the chat if it is new.
   *
   * @param chosen absent for a turn that was ended meanwhile and needs no agent
   * @throws AppError 429
   */
  async admitTurn(opened: Opened, chosen: ChosenAgent | undefined): Promise<void> {
    const { turn, pending, stored } = opened;
    await stored;
    if (!pending) return;
    const admission = chosen && (await this.turnAdmission.request(turn, chosen, opened));
    try {
      await this.applyPending(opened, pending, admission);
    } catch (error) {
      await this.withdraw(turn, opened, pending);
      throw error;
    }
  }

  /**
   * The agent of an answer that is to be continued. Undefined for any other kind of request.
   *
   * @throws AppError 404 if the message is not the user's, NothingWaits
   */
  async findBegun(
    { request, userId }: Turn,
    identity: Admitting['identity'],
  ): Promise<AnswerMetadata | undefined> {
    const { action, chatId } = request;
    if (action.type !== 'approve') return undefined;
    const { messageId } = action;
    const answer = await this.approvals.findWaiting({ messageId, chatId, userId });
    if (answer) return answer;
    const isThere = await this.repository.asUser(identity, (manager) =>
      this.repository.isAnswer(manager, chatId, messageId),
    );
    throw isThere ? new NothingWaits() : notFound('The message');
  }

  private async applyPending(
    { identity, run }: Opened,
    { changes }: Pending,
    admission: AdmissionRequest | undefined,
  ): Promise<void> {
    if (changes.length === 0) {
      if (admission) await this.accounting.admit(run, admission);
      return;
    }
    await this.repository.asUser(
      identity,
      async (_manager, last, before) => {
        const [admitted] = await before;
        if (admission) run.admit(admission, (admitted as AdmissionResult[])[0]);
        last(...changes);
      },
      admission && [run.admitStatement(admission)],
    );
  }

  /** The statements that run as the service before the user's own statements: the admission first, then the approvals that it takes. */
  private before(
    { chatId, userId, request: { action } }: Turn,
    run: AccountedRun,
    entry: Entry,
  ): Statement[] {
    if ('preview' in entry)
      return [
        this.admissions.previewStatement(entry.preview, entry.routingCost),
        this.accounting.beginStatement(run, entry.routingCost),
      ];
    const admission = run.admitStatement(entry.admission);
    if (action.type !== 'approve') return [admission];
    return [admission, this.approvals.takeStatement({ messageId: action.messageId, chatId, userId })];
  }

  /** Never rejects. Remains are closed as interrupted, like the answers of a crash. */
  private async withdraw(turn: Turn, { identity }: Opened, pending: Pending): Promise<void> {
    try {
      await this.repository.withdraw(identity, turn, pending);
    } catch (error) {
      this.logger.warn({ err: error, chatId: turn.chatId }, 'A refused turn could not be rolled back.');
    }
  }

  /** @param before the rows of the statements that ran as the service */
  private async findAndStore(
    manager: EntityManager,
    last: Last,
    { turn, obvious, candidates }: Admitting,
    before: Promise<unknown[][]>,
  ): Promise<Found | Obstacle> {
    const { request, userId } = turn;
    const create = request.action.type === 'submit';
    const chat = {
      id: turn.chatId,
      userId,
      title: DEFAULT_TITLE,
      visibility: request.visibility ?? 'private',
      create,
    };
    // All are sent at once, in this order, in one round trip.
    const bytes = textBytesWithin([...candidates.values()]);
    const [state, stream, found] = await Promise.all([
      this.repository.openChat(manager, chat),
      this.repository.findActiveStream(manager, turn.chatId),
      this.histories.findHistory(manager, turn.chatId, { ...rangeOf(request), bytes }),
    ]);
    if (!state) {
      if (!create) throw notFound('The chat');
      return 'taken';
    }
    if (stream?.owner === 'alive') throw streamInProgress();
    if (stream) return stream.owner === 'silent' ? 'silent' : 'leftover';

    const { rows, summary } = found;
    const context = { summarizedThrough: summary?.throughId ?? null, known: knownSize(state.lastContext) };
    const needsTitle = state.title === DEFAULT_TITLE;
    if (request.action.type === 'approve') {
      const [, asked] = (await before) as [unknown, AskedApproval[]];
      const resumed = await this.goOn(manager, turn, found, { approvals: request.action.approvals, asked });
      return { ...context, ...resumed };
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
      ...(obvious ? changes : []),
      this.repository.insertTurn({
        chatId: turn.chatId,
        answerId: turn.answerId,
        streamId: turn.streamId,
        userMessage: isNew ? { ...userMessage, createdAt: new Date(now) } : undefined,
        answerCreatedAt: turn.answerCreatedAt,
      }),
    );
    const history = [
      ...(summary ? [summaryMessage(summary)] : []),
      ...fromFirstQuestion(kept).map(toUiMessage),
    ];
    if (userMessage) {
      if (edits) history.pop();
      history.push({ ...userMessage, role: 'user' });
    }
    if (obvious) return { ...context, history, needsTitle };
    const messageIds = [turn.answerId, ...(isNew ? [userMessage.id] : [])];
    return { ...context, history, needsTitle, pending: { changes, messageIds, chatIsNew: state.created } };
  }

  /** The user has decided on the requests of the last answer. */
  private async goOn(
    manager: EntityManager,
    turn: Turn,
    { rows, summary }: History,
    { approvals, asked }: { approvals: ToolApproval[]; asked: AskedApproval[] },
  ): Promise<Pick<Found, 'history' | 'needsTitle' | 'resumed'>> {
    const last = rows.at(-1);
    if (!last || last.id !== turn.answerId || last.role !== 'assistant') {
      throw rows.some(({ id }) => id === turn.answerId)
        ? invalidField('message.id', 'is not the last message of the chat')
        : notFound('The message');
    }
    const waiting = readParts(last.parts);
    const { parts, answered, approved } = applyApprovals(waiting, approvals, asked);
    const json = toJson(parts);
    await this.repository.reopenAnswer(manager, {
      id: last.id,
      chatId: turn.chatId,
      streamId: turn.streamId,
      parts: json,
    });
    const { id, role } = last;
    const history = [
      ...(summary ? [summaryMessage(summary)] : []),
      ...fromFirstQuestion(rows.slice(0, -1)).map(toUiMessage),
      { id, role, parts: partsForModel(role, parts, answered) },
    ];
    turn.answer.restore(parts);
    turn.answerCreatedAt = last.createdAt;
    // The title of its chat comes from its first question.
    return { history, needsTitle: false, resumed: { waiting, asked, json, approved } };
  }
}

/**
 * A temporary obstacle: the mark of a dead instance, the mark of an instance that may be dead, or a chat with this id that is
 * not visible (yet).
 */
type Obstacle = 'leftover' | 'silent' | 'taken';

/** Ends a transaction that finds the chat in a temporary state, and rolls it back. */
class OpenAgain extends Error {
  constructor(readonly because: Obstacle) {
    super(`The turn is opened again: ${because}.`);
  }
}

function orAgain(error: unknown): OpenAgain {
  if (error instanceof OpenAgain) return error;
  throw error;
}

/** The id of a message in another chat. The error does not reveal whether that chat belongs to the user. */
function explain(error: unknown): never {
  throw postgresCode(error) === '23505' ? notFound('The message in this chat') : error;
}
