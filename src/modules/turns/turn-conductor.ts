import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage, UIMessageChunk } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import { type AppError, unavailable, upstreamError } from '../../common/errors/app-error.js';
import { toAppError } from '../../common/errors/problem.js';
import { AdminConfigService } from '../admin-config/admin-config.service.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { UsageTally, withUsage } from '../usage/usage-context.js';
import { UsageService } from '../usage/usage.service.js';
import type { FinishedCall } from '../usage/usage.types.js';
import { Agents } from '../agents/agents.js';
import { StoredFiles } from '../files/stored-files.js';
import { ModelSelector } from '../models/model-selector.js';
import type { AnswerEnd, FinishReason } from '../models/ending.js';
import { upstreamFailure } from '../models/upstream-failure.js';
import type { ModelProvider } from '../models/vendors/vendors.js';
import type { UserKeys } from '../models/user-keys.js';
import { shownMetadata } from '../messages/shown-metadata.js';
import { StreamHub } from './stream-hub/stream-hub.js';
import { AgentChooser, type Candidates, type ChosenAgent } from './agent-chooser.js';
import { partsToJson } from '../../common/database/stored-json.js';
import { TurnAdmission } from './turn-admission.js';
import { askedFor, type AskedApproval, stillWaiting, toGoOn } from './tool-approvals.js';
import { TitleService } from './title.service.js';
import type { Turn } from './turn.js';
import { type Ending, endingOf, failed, isUsed, lastChunks, metadataOf, usedBefore } from './turn-ending.js';
import { type StoringTurn, TurnOpening } from './turn-opening.js';
import { TurnRepository } from './turn.repository.js';
import type { AnswerMetadata, MessageStatus } from './turn.types.js';

/** A model may think for long before its first word; readers then get the open stream, and its pings, meanwhile. */
const OPEN_AFTER = 20_000;
/** Chunks that go around content: with them alone nothing has been said, and the turn may still fail as a whole. */
const FRAMES = new Set<UIMessageChunk['type']>(['start-step', 'finish-step', 'text-start', 'text-end']);
/** The answer does not wait longer than this for a title that is not written yet. */
const TITLE_PATIENCE = 5_000;

interface Prepared extends StoringTurn {
  candidates: Candidates;
  /** Known, and let in, before anything is stored; undefined when routing has to be asked. */
  obvious?: ChosenAgent;
  keys: UserKeys;
  identity: Identity;
  config: RuntimeConfig;
}

interface Conducted extends Prepared {
  chosen: ChosenAgent;
}

/** Conducts a turn from the request to the stored answer. */
@Injectable()
export class TurnConductor {
  private readonly logger = new Logger(TurnConductor.name);

  constructor(
    private readonly hub: StreamHub,
    private readonly admission: TurnAdmission,
    private readonly opening: TurnOpening,
    private readonly repository: TurnRepository,
    private readonly adminConfig: AdminConfigService,
    private readonly models: ModelSelector,
    private readonly chooser: AgentChooser,
    private readonly agents: Agents,
    private readonly titles: TitleService,
    private readonly usage: UsageService,
    private readonly files: StoredFiles,
  ) {}

  /** Never rejects: whatever goes wrong is told to the turn's readers, stored and logged. */
  async conduct(turn: Turn, identity: Identity, keys: UserKeys): Promise<void> {
    try {
      const prepared = await this.prepare(turn, identity, keys);
      await this.answer(turn, prepared);
    } catch (error) {
      const failure = toAppError(error);
      if (failure.status >= 500) this.logger.error({ err: error, chatId: turn.chatId }, 'A turn failed.');
      turn.refuse(failure);
      turn.stream.publish({ type: 'error', errorText: failure.detail });
    } finally {
      await turn.admission?.settle();
      this.hub.remove(turn);
      turn.stream.finish();
    }
  }

  /** Everything that can be refused is refused before anything is stored; then the question is. */
  private async prepare(turn: Turn, identity: Identity, keys: UserKeys): Promise<Prepared> {
    const config = await this.adminConfig.current();
    const begun = await this.opening.findBegun(turn, identity);
    const candidates = this.chooser.candidates(
      begun ? toGoOn(turn.request, begun) : turn.request,
      keys,
      config,
    );
    if (!begun) {
      for (const type of candidates.keys()) await this.agents.get(type).check?.(identity, turn.request);
    }
    const obvious = begun
      ? this.chooser.same(begun.agentType, turn.request, candidates, keys, config)
      : this.chooser.obvious(turn.request, candidates, config);
    const entry = obvious
      ? { admission: await this.admission.request(turn, identity, obvious, config) }
      : { outlook: await this.admission.outlook(turn, identity, candidates, config) };
    const streams = this.hub.all().map(({ streamId }) => streamId);
    const opened = await this.opening.open(turn, identity, streams, entry);
    // The model is asked while the question is on its way to the disk; nobody hears of it before it is there.
    opened.stored.then(
      () => (turn.stored = true),
      () => turn.stop('unstored'),
    );
    return { ...opened, candidates, obvious, keys, identity, config };
  }

  private async answer(turn: Turn, prepared: Prepared): Promise<void> {
    const patience = setTimeout(() => this.openWhenStored(turn, prepared), OPEN_AFTER);
    const chosen = await this.choose(turn, prepared).catch((error: unknown) => {
      clearTimeout(patience);
      throw error;
    });
    const { agentType, reason, model } = chosen;
    const messageMetadata = { createdAt: turn.answerCreatedAt.toISOString(), model: model.id };
    turn.publish({ type: 'start', messageId: turn.answerId, messageMetadata });
    if (!prepared.continued) turn.publish({ type: 'data-agent', data: { agentType, reason } });
    const conducted = { ...prepared, chosen };
    const { stored: ready } = prepared;
    // A call is accounted even when the question could not be stored.
    const settled = ready.catch(() => undefined);
    const tally = new UsageTally(
      (calls) => settled.then(() => this.usage.finish(calls, [], { patience: 'long' })),
      usedBefore(prepared.continued),
    );
    const usage = {
      agentType,
      purpose: 'answer',
      chatId: turn.chatId,
      messageId: turn.answerId,
      ownKey: model.ownKey,
      tally,
      ready,
    } as const;
    const titleController = new AbortController();
    const title = conducted.needsTitle
      ? this.titleAfterOpening(turn, conducted, titleController.signal)
      : undefined;
    let ending: Ending;
    try {
      ending = await withUsage(usage, () => this.generate(turn, conducted));
    } catch (error) {
      this.logger.error({ err: error, chatId: turn.chatId }, 'An agent failed.');
      ending = failed(toAppError(error));
    }
    clearTimeout(patience);
    await Promise.all([ready, tally.stored()]).catch(async (error: unknown) => {
      await this.usage.finish(tally.take());
      throw error;
    });
    const untouched = ending.failure && stillWaiting(turn.answer.parts, conducted);
    const metadata = metadataOf(chosen, tally, untouched ? undefined : ending.failure);
    const stored = untouched
      ? {
          status: 'complete' as const,
          finishReason: 'tool-calls' as const,
          parts: untouched,
          asked: conducted.asked ?? [],
        }
      : { status: ending.status, finishReason: ending.finishReason };
    // Who was refused by the provider, and has used nothing, has not had their turn.
    if (ending.failure && ending.failure.status < 500 && !isUsed(tally, prepared.continued)) {
      await turn.admission?.giveBack();
    }
    if (!(await this.store(turn, conducted, stored, metadata, tally.take()))) {
      ending = failed(unavailable('The end of the answer could not be stored.', 5));
    }
    if (ending.failure) turn.refuse(ending.failure);
    else turn.open();
    await withPatience(title, ending.status === 'complete' ? TITLE_PATIENCE : 0);
    titleController.abort();
    const shown = shownMetadata(metadata, { ...stored, createdAt: turn.answerCreatedAt });
    for (const chunk of lastChunks(ending, shown)) turn.stream.publish(chunk);
  }

  /**
   * The agent of the answer. Routing is accounted to the chat, not to the answer.
   *
   * @throws AppError 429 when that agent may not be asked; then nothing is left of the turn
   */
  private async choose(turn: Turn, prepared: Prepared): Promise<ChosenAgent> {
    const { candidates, obvious, history, identity, keys, config } = prepared;
    const { request, signal } = turn;
    if (obvious) return obvious;
    const chosen = await withUsage({ chatId: turn.chatId, ready: prepared.stored }, () =>
      this.chooser.route(request, candidates, { history, keys, config, signal }),
    ).catch((error: unknown) => {
      // Ended meanwhile: it is stored as such, whoever would have answered.
      if (signal.aborted) return this.chooser.first(candidates);
      throw error;
    });
    const admission = signal.aborted
      ? undefined
      : await this.admission.request(turn, identity, chosen, config, history);
    await this.opening.enter(turn, identity, prepared, admission);
    return chosen;
  }

  private openWhenStored(turn: Turn, { stored }: Prepared): void {
    stored.then(
      () => turn.open(),
      // Whoever waits for it is told by `conduct`.
      () => undefined,
    );
  }

  /** Passes the agent's chunks on; tells how it ended. */
  private async generate(turn: Turn, conducted: Conducted): Promise<Ending> {
    const { identity, keys } = conducted;
    const { agentType, model } = conducted.chosen;
    const { documentId, repositoryId } = turn.request;
    const { signal, admission, note, onRefusedFiles } = turn;
    const { approved } = conducted;
    const history = await this.files.withContents(identity, conducted.history);
    const conversation = { history, onRefusedFiles };
    const input = {
      ...conversation,
      signal,
      identity,
      keys,
      documentId,
      repositoryId,
      admission,
      note,
      approved,
    };
    let failure: AppError | undefined;
    let end: AnswerEnd | undefined;
    let isOpen = false;
    const emit = (chunk: UIMessageChunk) => {
      turn.publish(chunk);
      if (isOpen || FRAMES.has(chunk.type)) return;
      isOpen = true;
      this.openWhenStored(turn, conducted);
    };
    try {
      end = await this.agents.get(agentType).answer(input, model, emit);
    } catch (error) {
      if (!turn.signal.aborted) failure = upstreamFailure(error, model);
    }
    turn.endParts();
    if (turn.stopReason === 'stopped') return { status: 'stopped' };
    if (turn.stopReason === 'shutdown') return { status: 'interrupted' };
    if (turn.stopReason === 'too-long')
      failure = upstreamError('The answer became too long and was stopped.');
    return failure ? failed(failure) : endingOf(end, turn.answer, model.provider);
  }

  /** The title is begun when the answer is: it must not delay the first token, and an answer that failed needs none. */
  private async titleAfterOpening(turn: Turn, conducted: Conducted, signal: AbortSignal): Promise<void> {
    const question = conducted.history.at(-1);
    const opened = await turn.opened.then(
      () => true,
      () => false,
    );
    // The first token leaves before anything is done for the title.
    await nextTurn();
    if (!opened || question === undefined || signal.aborted) return;
    const model = this.models.selectForTitle(conducted.chosen.model, conducted.keys, conducted.config);
    const title = await this.titles.write(turn.chatId, question, model, signal);
    turn.stream.publish({ type: 'data-chat-title', data: { title }, transient: true });
  }

  private async store(
    turn: Turn,
    { chosen: { model } }: Conducted,
    {
      status,
      finishReason,
      parts = turn.answer.parts,
      asked,
    }: {
      status: MessageStatus;
      finishReason?: FinishReason;
      parts?: UIMessage['parts'];
      asked?: AskedApproval[];
    },
    metadata: AnswerMetadata,
    calls: FinishedCall[],
  ): Promise<boolean> {
    turn.stored = false;
    const lastContext = {
      ...metadata.usage,
      model: metadata.model,
      cost: metadata.cost,
      contextWindow: model.catalog?.contextWindow ?? null,
    };
    const { answerId: id, chatId, streamId, userId } = turn;
    const answer = { id, chatId, streamId, userId, modelUsed: model.modelId, metadata, lastContext };
    const settlement = turn.admission?.settlement(metadata.cost) ?? [];
    const json = jsonOf(parts);
    const end = this.repository.finish({
      ...answer,
      status: json ? status : 'failed',
      finishReason: json ? finishReason : 'error',
      parts: json,
      asked: asked ?? askedFor(turn.answer.waitingCalls(), metadata),
    });
    if (await this.usage.finish(calls, [end, ...settlement], { userId, patience: 'long' })) {
      await this.rememberRefused(turn, model.provider);
      return json !== undefined;
    }
    // The checkpoint holds all but the last second. If that is not closed now, recovery will do it.
    this.logger.error({ chatId, messageId: id }, 'The end of an answer could not be stored.');
    const closed = this.repository.finish({ ...answer, status: 'failed', finishReason: 'error', asked: [] });
    await this.usage.finish([], [closed, ...settlement], { userId });
    return false;
  }

  /** Apart from the end of the answer, which does not depend on it. */
  private async rememberRefused({ chatId, refusedFiles }: Turn, provider: ModelProvider): Promise<void> {
    const statements = [...refusedFiles].map(([messageId, files]) => {
      const indexes = files.map(({ index }) => index);
      return this.repository.rememberRefused(chatId, provider, { messageId, indexes });
    });
    await this.usage.finish([], statements);
  }
}

/** Undefined for what is nested deeper than JSON can be written. */
function jsonOf(parts: UIMessage['parts']): string | undefined {
  try {
    return partsToJson(parts);
  } catch {
    return undefined;
  }
}

/** Waits for `work`, but not longer than `milliseconds`. */
async function withPatience(work: Promise<void> | undefined, milliseconds: number): Promise<void> {
  if (!work) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([work, patience]).finally(() => clearTimeout(timer));
}
