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
import { partsForModel, readParts } from './stored-parts.js';
import { applyApprovals, type AskedApproval } from './tool-approvals.js';
import { ToolApprovalsRepository } from './tool-approvals.repository.js';
import type { Turn } from './turn.js';
import { TurnAdmission } from './turn-admission.js';
import { fromFirstQuestion, planChange, targetOf, toUiMessage } from './turn-change.js';
import type { Admitting, ChosenAgent, Opened, Pending, Resumed } from './turn-phases.js';
import { TurnRecovery } from './turn-recovery.js';
import { type HistoryRow, TurnRepository } from './turn.repository.js';
import { type AnswerMetadata, DEFAULT_TITLE, type ToolApproval } from './turn.types.js';

/** What the first transaction finds. */
interface Found {
  history: Opened['history'];
  needsTitle: boolean;
  resumed?: Resumed;
  pending?: Pending;
}

/** What a turn asks the limits and budgets for: an admission, or, before its agent is known, whether any has room. */
type Entry = { admission: AdmissionRequest } | { preview: readonly AdmissionRequest[] };

/** The first transaction of a turn: it stores the user's message before any model is asked. */
@Injectable()
export class TurnOpening {
  private readonly logger = new Logger(TurnOpening.name);

  constructor(
    private readonly repository: TurnRepository,
    private readonly recovery: TurnRecovery,
    private readonly approvals: ToolApprovalsRepository,
    private readonly accounting: Accounting,
    private readonly admissions: AdmissionService,
    private readonly turnAdmission: TurnAdmission,
  ) {}

  /**
   * Stores the turn and admits it in one transaction: a turn that is refused leaves nothing behind, and one that is refused
   * for anything else has used up nothing. A turn whose agent is not known yet is stored if any agent has room.
   *
   * @param activeStreams of this process, itself included: others that bear its number are leftovers
   * @throws AppError 404 for a chat or message that is not the user's, 409 while another instance answers in it, 429
   */
  async open(admitting: Admitting, run: AccountedRun, activeStreams: string[]): Promise<Opened> {
    const { turn, identity, candidates, obvious, config } = admitting;
    const entry: Entry = obvious
      ? { admission: await this.turnAdmission.request(turn, identity, obvious, config) }
      : { preview: await this.turnAdmission.preview(turn, identity, candidates, config) };
    for (let attempt = 1; ; attempt++) {
      const early = Promise.withResolvers<Found>();
      const transaction = this.repository
        .asUser(
          identity,
          async (manager, last, before) => {
            const found = await this.findAndStore(manager, last, admitting, before);
            if (found === 'leftover' || found === 'taken') throw new OpenAgain(found);
            const [admitted] = (await before) as [AdmissionResult[]];
            if ('admission' in entry) run.admit(entry.admission, admitted[0]);
            else this.admissions.assertAnyAllowed(entry.preview, admitted);
            // A call that was approved is made once: only when nobody can approve it again.
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
      if (!(found instanceof OpenAgain))
        return { ...admitting, ...found, run, stored: transaction.then(() => undefined) };
      // Either a dead instance has left its mark, or the user has created the chat at this very moment. A chat that stays
      // out of sight is somebody else's, and no reason to look after theirs.
      if (attempt === 3)
        throw found.because === 'leftover'
          ? unavailable('The last answer of this chat is still being stored. Try again.', 2)
          : notFound('The chat');
      if (found.because === 'leftover') await this.recovery.recoverChat(turn.chatId, activeStreams);
    }
  }

  /**
   * Admits a turn whose agent is known now, and makes its changes. If it is refused, what was stored of it goes away again:
   * its question, its answer, and the chat if there was none.
   *
   * @param chosen absent for a turn that was ended meanwhile, and asks no agent any more
   * @throws AppError 429
   */
  async admitTurn(opened: Opened, chosen: ChosenAgent | undefined): Promise<void> {
    const { turn, identity, config, history, pending, stored } = opened;
    await stored;
    if (!pending) return;
    const admission = chosen && (await this.turnAdmission.request(turn, identity, chosen, config, history));
    try {
      await this.applyPending(opened, pending, admission);
    } catch (error) {
      await this.withdraw(turn, opened, pending);
      throw error;
    }
  }

  /**
   * Which agent had begun the answer that is to go on; undefined for a request of any other kind.
   *
   * @throws AppError 404 when the message is not the user's, 400 when it waits for nothing
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
    throw isThere
      ? invalidField('message.parts', 'none of these calls is waiting for approval')
      : notFound('The message');
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

  /** What runs as the service before the user's own statements: the admission first, and the approvals that it takes. */
  private before(
    { chatId, userId, request: { action } }: Turn,
    run: AccountedRun,
    entry: Entry,
  ): Statement[] {
    if ('preview' in entry)
      return [this.admissions.previewStatement(entry.preview), this.accounting.beginStatement(run)];
    const admission = run.admitStatement(entry.admission);
    if (action.type !== 'approve') return [admission];
    return [admission, this.approvals.takeStatement({ messageId: action.messageId, chatId, userId })];
  }

  /** Never rejects: what is left is closed as interrupted, like the answers of a crash. */
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
    { turn, obvious }: Admitting,
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
      const [, asked] = (await before) as [unknown, AskedApproval[]];
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
      ...(obvious ? changes : []),
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
    if (obvious) return { history, needsTitle };
    const messageIds = [turn.answerId, ...(isNew ? [userMessage.id] : [])];
    return { history, needsTitle, pending: { changes, messageIds, chatIsNew: state.created } };
  }

  /** The user has answered what the last answer had asked for. */
  private async goOn(
    manager: EntityManager,
    turn: Turn,
    rows: HistoryRow[],
    { approvals, asked }: { approvals: ToolApproval[]; asked: AskedApproval[] },
  ): Promise<Found> {
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
      ...fromFirstQuestion(rows.slice(0, -1)).map(toUiMessage),
      { id, role, parts: partsForModel(role, parts, answered) },
    ];
    turn.answer.restore(parts);
    turn.answerCreatedAt = last.createdAt;
    // The title of its chat is named after its first question.
    return { history, needsTitle: false, resumed: { waiting, asked, json, approved } };
  }
}

/** What stands in the way for a moment: the mark of a dead instance, or a chat of this id that cannot be seen (yet). */
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
