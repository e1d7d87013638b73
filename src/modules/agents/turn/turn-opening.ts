import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../../common/auth/identity.js';
import { invalidField, notFound, streamInProgress } from '../../../common/errors/app-error.js';
import type { Last } from '../../../common/database/database.js';
import { postgresCode } from '../../../common/errors/postgres-errors.js';
import { AdmissionService } from '../../rate-limit/admission.service.js';
import type { AdmissionRequest, AdmissionResult } from '../../rate-limit/admission.types.js';
import { toJson } from './stored-json.js';
import { DEFAULT_TITLE } from './title.service.js';
import type { Turn } from './turn.js';
import { type HistoryRow, TurnRepository } from './turn.repository.js';
import { applyApprovals } from './tool-approvals.js';
import type { AnswerMetadata, ToolApproval, TurnAction, TurnRequest } from './turn.types.js';

/** A turn whose rows are stored: the question, the empty answer, the mark of the active stream. */
export interface OpenedTurn {
  /** Up to and including the message to answer. */
  history: UIMessage[];
  /** True when the chat has no title of its own yet. */
  needsTitle: boolean;
  /** Of an answer that goes on: what it has used so far, and which agent had begun it. */
  continued?: AnswerMetadata;
  /** Of an answer that goes on: its parts before the user's word. */
  waiting?: UIMessage['parts'];
}

/** The same, while the end of its transaction is still under way: a model may be asked, but nobody told of its answer. */
export interface StoringTurn extends OpenedTurn {
  stored: Promise<void>;
}

/** What a request does to the messages that are there. */
interface Change {
  kept: HistoryRow[];
  /** Everything after the last kept message is removed. */
  removesLater: boolean;
  edits: boolean;
}

/** The first transaction of a turn: it stores the user's message before any model is asked. */
@Injectable()
export class TurnOpening {
  constructor(
    private readonly repository: TurnRepository,
    private readonly admissions: AdmissionService,
  ) {}

  /**
   * @param activeStreams of this process, itself included: others that bear its number are leftovers
   * @param admission what to be let in by, in the same transaction: whoever is refused leaves nothing behind, and a turn
   *   that is refused for anything else has used up nothing
   * @throws AppError 404 for a chat or message that is not the user's, 409 while another instance answers in it, 429
   */
  async open(
    turn: Turn,
    identity: Identity,
    activeStreams: string[],
    admission?: AdmissionRequest,
  ): Promise<StoringTurn> {
    for (let attempt = 1; ; attempt++) {
      const early = Promise.withResolvers<OpenedTurn>();
      const transaction = this.repository
        .asUser(
          identity,
          async (manager, last, before) => {
            const opened = await this.tryOpen(manager, last, turn);
            if (opened === 'again') throw new OpenAgain();
            if (admission) this.letIn(turn, admission, (await before) as AdmissionResult[]);
            // A call that was approved is made once: only when nobody can approve it again.
            if (turn.request.action.type !== 'approve') early.resolve(opened);
            return opened;
          },
          admission && this.admissions.asking(admission),
        )
        .catch(explain);
      const opened = await Promise.race([early.promise, transaction]).catch(orAgain);
      if (opened) return { ...opened, stored: transaction.then(() => undefined) };
      // Either a dead instance has left its mark, or somebody created the chat at this very moment.
      if (attempt === 3) throw notFound('The chat');
      await this.repository.recover(activeStreams);
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
    const found = await this.repository.asUser(identity, (manager) =>
      this.repository.findAnswer(manager, chatId, action.messageId),
    );
    if (!found) throw notFound('The message');
    // The answer was cut off when it had just asked; nobody knows how it was to go on.
    if (!found.metadata) throw invalidField('message.parts', 'nothing of this waits for approval');
    return found.metadata;
  }

  private letIn(turn: Turn, request: AdmissionRequest, [result]: AdmissionResult[]): void {
    if (!result) throw new Error('An admission was asked for, and not answered.');
    // A transaction that is tried once more has let nobody in.
    turn.admission?.settlement();
    turn.admission = this.admissions.decide(request, result);
  }

  private async tryOpen(manager: EntityManager, last: Last, turn: Turn): Promise<OpenedTurn | 'again'> {
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
      return 'again';
    }
    if (stream?.writtenElsewhere) throw streamInProgress();
    if (stream) return 'again';

    const needsTitle = state.title === DEFAULT_TITLE;
    if (request.action.type === 'approve') {
      return this.goOn(manager, turn, rows, request.action.approvals);
    }
    const { kept, removesLater, edits } = planChange(rows, request.action);
    const lastKept = kept.at(-1);
    const userMessage = request.action.type === 'submit' ? request.action.message : undefined;
    const now = Math.max(Date.now(), (lastKept?.createdAt.getTime() ?? 0) + 1);
    if (lastKept && removesLater) await this.repository.removeAfter(manager, turn.chatId, lastKept);
    if (userMessage && edits) await this.repository.replaceUserMessage(manager, userMessage);
    const isNew = userMessage !== undefined && !edits;
    last(
      this.repository.insertTurn({
        chatId: turn.chatId,
        answerId: turn.answerId,
        streamId: turn.streamId,
        userMessage: isNew ? { ...userMessage, createdAt: new Date(now) } : undefined,
        answerCreatedAt: new Date(isNew ? now + 1 : now),
      }),
    );
    const history = fromFirstQuestion(kept).map(toUiMessage);
    if (userMessage) {
      if (edits) history.pop();
      history.push({ ...userMessage, role: 'user' });
    }
    return { history, needsTitle };
  }

  /** The user has answered what the last answer had asked for. */
  private async goOn(
    manager: EntityManager,
    turn: Turn,
    rows: HistoryRow[],
    approvals: ToolApproval[],
  ): Promise<OpenedTurn> {
    const last = rows.at(-1);
    if (!last || last.id !== turn.answerId || last.role !== 'assistant') {
      throw rows.some(({ id }) => id === turn.answerId)
        ? invalidField('message.id', 'is not the last message of the chat')
        : notFound('The message');
    }
    const parts = applyApprovals(last.parts, approvals);
    await this.repository.reopenAnswer(manager, {
      id: last.id,
      chatId: turn.chatId,
      streamId: turn.streamId,
      parts: toJson(parts),
    });
    const answer = await this.repository.findAnswer(manager, turn.chatId, last.id);
    turn.answer.restore(parts);
    return {
      history: [
        ...fromFirstQuestion(rows.slice(0, -1)).map(toUiMessage),
        { ...toUiMessage(last), parts: structuredClone(parts) },
      ],
      // Its title is named after its first question.
      needsTitle: false,
      continued: answer?.metadata ?? undefined,
      waiting: last.parts,
    };
  }
}

/** Ends a transaction that finds the chat in a state that will pass, and undoes what it has done so far. */
class OpenAgain extends Error {}

function orAgain(error: unknown): undefined {
  if (!(error instanceof OpenAgain)) throw error;
}

/** The message that a request is about, beyond which nothing of the chat matters any more. */
function targetOf({ action }: TurnRequest): string | undefined {
  if (action.type === 'submit') return action.message.id;
  return action.type === 'regenerate' ? action.messageId : undefined;
}

function planChange(rows: HistoryRow[], action: Exclude<TurnAction, { type: 'approve' }>): Change {
  if (action.type === 'submit') {
    const index = rows.findIndex(({ id }) => id === action.message.id);
    if (index < 0) return { kept: rows, removesLater: false, edits: false };
    if (rows[index]?.role !== 'user') throw invalidField('message.id', 'is the id of an answer');
    return { kept: rows.slice(0, index + 1), removesLater: true, edits: true };
  }
  const target =
    action.messageId === undefined
      ? Math.max(
          rows.findLastIndex(({ role }) => role === 'assistant'),
          rows.findLastIndex(({ role }) => role === 'user'),
        )
      : rows.findIndex(({ id }) => id === action.messageId);
  if (action.messageId !== undefined && target < 0) throw notFound('The message');
  const kept = rows.slice(0, rows[target]?.role === 'assistant' ? target : target + 1);
  if (!kept.some(({ role }) => role === 'user'))
    throw invalidField('trigger', 'there is no message to answer');
  return { kept, removesLater: true, edits: false };
}

/** Providers want to be asked first; what a long conversation is cut down to may begin with an answer. */
function fromFirstQuestion(rows: HistoryRow[]): HistoryRow[] {
  const first = rows.findIndex(({ role }) => role === 'user');
  return first < 0 ? [] : rows.slice(first);
}

/** An answer that was cut off may hold a text without a word, and providers refuse messages of nothing else. */
function toUiMessage({ id, role, parts }: HistoryRow): UIMessage {
  return { id, role, parts: parts.filter((part) => part.type !== 'text' || part.text !== '') };
}

/** The id of a message that stands in another chat, the user's or a stranger's: which one is not revealed. */
function explain(error: unknown): never {
  throw postgresCode(error) === '23505' ? notFound('The message in this chat') : error;
}
