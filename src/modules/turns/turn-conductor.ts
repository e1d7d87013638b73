import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage, UIMessageChunk } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import { type AppError, upstreamError } from '../../common/errors/app-error.js';
import { toAppError } from '../../common/errors/problem.js';
import { agentSpan, inSpan } from '../../common/observability/spans.js';
import { Accounting } from '../accounting/accounting.service.js';
import { Agents } from '../agents/agents.js';
import { CompactionService } from '../compaction/compaction.service.js';
import { StoredFiles } from '../files/stored-files.js';
import type { AnswerEnd } from '../models/ending.js';
import { ModelSelector, type SelectedModel } from '../models/model-selector.js';
import { upstreamFailure } from '../models/upstream-failure.js';
import type { ModelProvider } from '../models/vendors/vendors.js';
import type { UserKeys } from '../models/user-keys.js';
import { shownMetadata } from '../messages/shown-metadata.js';
import { closingChunks, correctingChunks, endLastStep, publishBeginning } from './answer-frame.js';
import { AgentChooser } from './agent-chooser.js';
import { withPatience } from './patience.js';
import { StreamHub } from './stream-hub/stream-hub.js';
import { type PendingTitle, TitleService } from './title.service.js';
import { askedFor, stillWaiting } from './tool-approvals.js';
import type { Turn } from './turn.js';
import { answeredChatOf, contextChunkOf, fittedFor, lastContextOf } from './turn-context.js';
import { endingOf, failed, jsonOf, lastChunks, metadataOf, nameOf, usedBefore } from './turn-ending.js';
import { TurnChoice } from './turn-choice.js';
import { TurnOpening } from './turn-opening.js';
import type { Admitting, Answering, ChosenAgent, Ending, Opened } from './turn-phases.js';
import { planAnswer, planCall, routingPart } from './turn-run.js';
import { TurnStoring, UNSTORED } from './turn-storing.js';
import { type FinishedAnswer, TurnEndRepository } from './turn-end.repository.js';

/** A model may think for a long time before its first token. After this time, readers get the open stream and its pings. */
const READABLE_AFTER = 20_000;
/** Chunks around the content. If only these were sent, the turn may still fail as a whole. */
const FRAMES = new Set<UIMessageChunk['type']>(['start-step', 'finish-step', 'text-start', 'text-end']);
/** A title that is finished this soon after the answer is stored with it. */
const TITLE_IN_TIME = 1_000;
/** The answer waits no longer than this for an unfinished title. */
const TITLE_PATIENCE = 5_000;

/** Runs a turn from the request to the stored answer: see `turn-phases.ts`. */
@Injectable()
export class TurnConductor {
  private readonly logger = new Logger(TurnConductor.name);

  constructor(
    private readonly hub: StreamHub,
    private readonly accounting: Accounting,
    private readonly opening: TurnOpening,
    private readonly repository: TurnEndRepository,
    private readonly storing: TurnStoring,
    private readonly choice: TurnChoice,
    private readonly models: ModelSelector,
    private readonly chooser: AgentChooser,
    private readonly agents: Agents,
    private readonly titles: TitleService,
    private readonly files: StoredFiles,
    private readonly compaction: CompactionService,
  ) {}

  /** Never rejects. Any error is sent to the turn's readers, stored and logged. */
  async conduct(turn: Turn, identity: Identity, keys: UserKeys): Promise<void> {
    try {
      const admitting = await this.choice.choose(turn, identity, keys);
      const opened = await this.open(admitting);
      await this.answer(opened);
    } catch (error) {
      const failure = toAppError(error);
      if (failure.status >= 500) this.logger.error({ err: error, chatId: turn.chatId }, 'A turn failed.');
      // A client that hears of it may send the message again at once.
      this.hub.remove(turn);
      turn.refuse(failure);
      turn.stream.publish({ type: 'error', errorText: failure.detail });
    } finally {
      await turn.run?.end();
      this.hub.remove(turn);
      turn.stream.finish();
    }
  }

  /** Stores the question and admits the turn, as far as its agent is known. */
  private async open(admitting: Admitting): Promise<Opened> {
    const { turn, obvious, router, continued } = admitting;
    const { agentType } = obvious ?? this.chooser.first(admitting.candidates);
    const { chatId, answerId: messageId } = turn;
    const run = this.accounting.begin(
      { agentType, purpose: 'answer', chatId, messageId },
      usedBefore(continued),
    );
    run.patience = 'long';
    turn.run = run;
    if (obvious) planAnswer(run, obvious, turn);
    else if (router) planCall(run, router, turn, routingPart(run));
    const streams = this.hub.all().map(({ streamId }) => streamId);
    const opened = await this.opening.open(admitting, run, streams);
    run.ready = opened.stored;
    // The model is called while the question is being written to disk. Readers get nothing before that is done.
    opened.stored.then(
      () => turn.hasOpened(),
      () => turn.stop('unstored'),
    );
    return opened;
  }

  private async answer(opened: Opened): Promise<void> {
    const { turn, run, stored, continued } = opened;
    const patience = setTimeout(() => letReadWhenStored(opened), READABLE_AFTER);
    let title: PendingTitle | undefined;
    let ending: Ending;
    try {
      const chosen = await this.admitChosen(opened);
      const { agentType, reason, model } = chosen;
      const messageMetadata = { createdAt: turn.answerCreatedAt.toISOString(), ...nameOf(model) };
      const start = { type: 'start', messageId: turn.answerId, messageMetadata } as const;
      if (continued) publishBeginning(turn, start);
      turn.publish(start);
      if (!continued) turn.publish({ type: 'data-agent', data: { agentType, reason } });
      const answering = { ...opened, chosen };
      let answeredBy = model;
      title = this.beginTitle(answering, () => answeredBy);
      const onModel = (other: SelectedModel) => {
        answeredBy = other;
        turn.publish({ type: 'message-metadata', messageMetadata: nameOf(other) });
      };
      ending = await run.do(() => this.generate(answering, onModel));
    } finally {
      clearTimeout(patience);
    }
    await stored;
    await this.end(ending, title);
    this.compaction.begin(answeredChatOf(ending));
  }

  /**
   * The agent of the answer. Routing is accounted to the chat, not to the answer.
   *
   * @throws AppError 429 if the agent is not allowed now; nothing of the turn is kept then
   */
  private async admitChosen(opened: Opened): Promise<ChosenAgent> {
    const { turn, run, candidates, obvious, history, router, config } = opened;
    const { request, signal } = turn;
    if (obvious) return obvious;
    const choosing = routingPart(run).do(() =>
      this.chooser.route(request, candidates, { router, history, config, signal }),
    );
    const chosen = await choosing.catch((error: unknown) => {
      // The turn was ended meanwhile. It is stored as ended, whatever agent would have answered.
      if (signal.aborted) return this.chooser.first(candidates);
      throw error;
    });
    if (!signal.aborted) planAnswer(run, chosen, turn);
    await this.opening.admitTurn(opened, signal.aborted ? undefined : chosen);
    return chosen;
  }

  /** Passes the agent's chunks on, and returns how it ended. */
  private async generate(answering: Answering, tell: (model: SelectedModel) => void): Promise<Ending> {
    const { turn, run, identity, keys, resumed } = answering;
    let { chosen } = answering;
    const messages = answering.history.length;
    const { documentId, repositoryId } = turn.request;
    const { signal, note, onRefusedFiles } = turn;
    const { admission } = run;
    let isShortened = false;
    const input = {
      onRefusedFiles,
      onShortened: () => void (isShortened = true),
      onModel: (model: SelectedModel) => {
        chosen = { ...chosen, model };
        tell(model);
      },
      signal,
      identity,
      keys,
      documentId,
      repositoryId,
      admission,
      note,
      approved: resumed?.approved,
    };
    let failure: AppError | undefined;
    let end: AnswerEnd | undefined;
    let isSilent = true;
    const emit = (chunk: UIMessageChunk) => {
      turn.publish(chunk);
      if (!isSilent || FRAMES.has(chunk.type)) return;
      isSilent = false;
      letReadWhenStored(answering);
    };
    try {
      const read = await this.files.withContents(identity, answering.history);
      const fit = fittedFor(answering, read);
      isShortened = fit.isShortened;
      // The phases of a turn never change, so its history is emptied.
      const onHistoryUsed = () => [answering.history, read, fit.history].forEach((list) => (list.length = 0));
      const shown = { ...input, history: fit.history, onHistoryUsed };
      const { agentType, model } = chosen;
      end = await inSpan(...agentSpan(agentType, model.id, turn.chatId), () =>
        this.agents.get(agentType).answer(shown, model, emit),
      );
    } catch (error) {
      if (!turn.signal.aborted) failure = this.failureOf(error, turn, chosen.model);
    }
    turn.endParts();
    const answered = { ...answering, chosen, messages, isShortened };
    if (turn.stopReason === 'stopped') return { ...answered, status: 'stopped' };
    if (turn.stopReason === 'shutdown' || turn.stopReason === 'taken')
      return { ...answered, status: 'interrupted' };
    if (turn.stopReason === 'too-long')
      failure = upstreamError('The answer became too long and was stopped.');
    const how = failure ? failed(failure) : endingOf(end, turn.answer, chosen.model.provider);
    return { ...answered, ...how };
  }

  private failureOf(error: unknown, turn: Turn, model: SelectedModel): AppError {
    try {
      return upstreamFailure(error, model);
    } catch (unknown) {
      this.logger.error({ err: unknown, chatId: turn.chatId }, 'An agent failed.');
      return toAppError(unknown);
    }
  }

  /** The title is started when there is something to read, because it must not delay the first token. */
  private beginTitle(
    { turn, run, needsTitle, history, keys, config }: Answering,
    answeredBy: () => SelectedModel,
  ): PendingTitle | undefined {
    const question = history.at(-1);
    if (!needsTitle || question === undefined) return undefined;
    return this.titles.begin({
      chatId: turn.chatId,
      question,
      model: () => this.models.selectForTitle(answeredBy(), keys, config),
      run,
      after: turn.readable,
      tell: (title) => turn.stream.publish({ type: 'data-chat-title', data: { title }, transient: true }),
    });
  }

  /** Stores the answer with its calls and, if it is finished, the title. Then readers learn of the end. */
  private async end(ending: Ending, title: PendingTitle | undefined): Promise<void> {
    const { turn, run, resumed, chosen } = ending;
    // One commit stores both, because readers wait for the title in any case.
    if (ending.status === 'complete') await withPatience(title?.written, TITLE_IN_TIME, turn.signal);
    turn.phase = 'ending';
    const untouched = ending.failure && stillWaiting(turn.answer.parts, resumed);
    if (!untouched) endLastStep(turn);
    const metadata = metadataOf(chosen, run.figures, untouched ? undefined : ending.failure);
    const json = jsonOf(untouched ?? turn.answer.parts);
    const stored: Pick<Ending, 'status' | 'finishReason'> = untouched
      ? { status: 'complete', finishReason: 'tool-calls' }
      : { status: ending.status, finishReason: ending.finishReason };
    const answer = {
      ...this.answerOf(ending, metadata),
      ...(json === undefined ? ({ status: 'failed', finishReason: 'error' } as const) : stored),
      parts: json,
      asked: untouched ? (resumed?.asked ?? []) : askedFor(turn.answer.waitingCalls(), metadata),
      title: title?.take(),
    };
    const told = await this.storing.store(run, answer, ending);
    const end = json === undefined ? UNSTORED : told.end;
    if (end === ending) await this.rememberRefused(turn, chosen.model.provider);
    if (end.failure) turn.refuse(end.failure);
    else turn.letRead();
    await withPatience(title?.written, end.status === 'complete' ? TITLE_PATIENCE : 0);
    title?.abandon();
    const context = contextChunkOf(ending);
    if (context) turn.stream.publish(context);
    const { instead } = told;
    // An end that could not be stored as it was says what is stored instead.
    const ended = { ...(end === ending ? stored : end), createdAt: turn.answerCreatedAt };
    if (!untouched) {
      const closing =
        instead && json !== undefined
          ? correctingChunks(JSON.parse(json) as UIMessage['parts'], { ...instead, status: end.status })
          : closingChunks(turn.answer.parts);
      for (const chunk of closing) turn.stream.publish(chunk);
    }
    const shown = instead?.metadata ?? shownMetadata(metadata, ended);
    for (const chunk of lastChunks(end, shown)) turn.stream.publish(chunk);
  }

  private answerOf(ending: Ending, metadata: FinishedAnswer['metadata']) {
    const { turn, chosen } = ending;
    const { answerId: id, chatId, streamId, userId, answerCreatedAt: createdAt } = turn;
    const lastContext = lastContextOf(ending, metadata);
    return {
      id,
      chatId,
      streamId,
      userId,
      createdAt,
      modelUsed: chosen.model.modelId,
      metadata,
      lastContext,
    };
  }

  /** Stored separately from the end of the answer, which does not depend on it. Never rejects. */
  private async rememberRefused(
    { chatId, userId, refusedFiles }: Turn,
    provider: ModelProvider,
  ): Promise<void> {
    const statements = [...refusedFiles].map(([messageId, files]) => {
      const indexes = files.map(({ index }) => index);
      return this.repository.rememberRefused(chatId, provider, { messageId, indexes });
    });
    await this.repository.store(statements, userId).catch((error: unknown) => {
      this.logger.error({ err: error, chatId }, 'The files that a vendor refused could not be recorded.');
    });
  }
}

function letReadWhenStored({ turn, stored }: Opened): void {
  stored.then(
    () => turn.letRead(),
    // `conduct` reports it to the waiting readers.
    () => undefined,
  );
}
