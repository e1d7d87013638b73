import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import type { Statement } from '../../common/database/database.js';
import { AppError, notFound, streamInProgress, unavailable } from '../../common/errors/app-error.js';
import { toAppError } from '../../common/errors/problem.js';
import { PeriodicTask } from '../../common/periodic/periodic-task.js';
import { within } from '../../common/periodic/within.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Accounting } from '../accounting/accounting.service.js';
import { CompactionService } from '../compaction/compaction.service.js';
import type { UserKeys } from '../models/user-keys.js';
import { AnswerReaders } from './instances/answer-readers.js';
import { FollowedAnswers } from './instances/followed-answers.js';
import { InstanceLife } from './instances/instance-life.js';
import { RemoteTurns } from './instances/remote-turns.js';
import type { LiveStream } from './stream-hub/live-stream.js';
import { StreamHub } from './stream-hub/stream-hub.js';
import { StreamLimits } from './stream-limits.js';
import { toJson } from '../../common/database/stored-json.js';
import { NothingWaits } from './tool-approvals.js';
import { Turn } from './turn.js';
import { TurnChoice } from './turn-choice.js';
import { TurnConductor } from './turn-conductor.js';
import { STOP_TIMEOUT, TurnInterruption } from './turn-interruption.js';
import { TurnRecovery } from './turn-recovery.js';
import { TurnRepository } from './turn.repository.js';
import type { SentAnswer, TurnRequest } from './turn.types.js';

/** A little less than the second that a crash may lose. */
const CHECKPOINT_INTERVAL = 800;
/** An instance may leave an answer open itself, if the database was away for longer than its end was kept. */
const RECOVERY_INTERVAL = 10_000;
/** The time that running turns have to be stored after the deadline of a shutdown. */
const STORE_TIMEOUT = 5_000;
/** How often a message tries to take the place of an answer that another instance is writing. */
const MAX_TRIES = 3;

/** The stream of an answer, and the headers of the response that sends it. */
export interface AnswerToRead {
  stream: LiveStream;
  headers: Readonly<Record<string, string>>;
}

/** Starts, finds and ends turns, and stores their progress. */
@Injectable()
export class TurnService implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(TurnService.name);
  private stopping = false;
  /** Running turns whose parts PostgreSQL refuses. */
  private readonly unstorable = new WeakSet<Turn>();
  private readonly checkpoints = new PeriodicTask({
    name: 'turn-checkpoints',
    interval: CHECKPOINT_INTERVAL,
    failure: 'Running answers could not be checkpointed. Trying again.',
    work: () => this.checkpoint(),
  });
  private readonly recoveries = new PeriodicTask({
    name: 'turn-recovery',
    interval: RECOVERY_INTERVAL,
    failure: 'Recovery of interrupted answers failed. Trying again.',
    work: () => this.recover(),
  });

  constructor(
    private readonly hub: StreamHub,
    private readonly conductor: TurnConductor,
    private readonly choice: TurnChoice,
    private readonly repository: TurnRepository,
    private readonly recovery: TurnRecovery,
    private readonly accounting: Accounting,
    private readonly life: InstanceLife,
    private readonly remote: RemoteTurns,
    private readonly followed: FollowedAnswers,
    private readonly readers: AnswerReaders,
    private readonly interruption: TurnInterruption,
    private readonly compaction: CompactionService,
    private readonly limits: StreamLimits,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  /**
   * Starts a turn, or returns the running turn if it does exactly the same. Wait for `readable` before reading its
   * stream.
   *
   * @param left aborts when the client does not wait any more
   * @throws AppError 409 while another message of the user is being answered in the chat, 503 during a shutdown and when
   *   the instance is overloaded, 429 if the user has too many running answers
   */
  begin(identity: Identity, request: TurnRequest, keys: UserKeys, left: AbortSignal): Turn {
    const active = this.hub.get(identity.id, request.chatId);
    if (active) {
      if (!active.isSameAs(request)) throw streamInProgress();
      active.attend(left);
      return active;
    }
    this.assertOpen(identity.id);
    const turn = new Turn(identity.id, request);
    turn.onReaders = () => this.readers.note(turn);
    turn.attend(left);
    this.hub.add(turn);
    turn.done = this.conductor.conduct(turn, identity, keys);
    return turn;
  }

  /**
   * Starts a turn like {@link begin}, and waits until there is something to read. Another answer that is running in the
   * chat is stopped if the request may interrupt it.
   *
   * @throws AppError as {@link begin}
   */
  async answer(
    identity: Identity,
    request: TurnRequest,
    keys: UserKeys,
    left: AbortSignal,
  ): Promise<AnswerToRead> {
    let checked: Promise<void> | undefined;
    // No answer is stopped for a message that is then refused.
    const check = async () => {
      this.assertOpen(identity.id, 1);
      await (checked ??= this.choice.check(new Turn(identity.id, request), identity, keys));
    };
    for (let tries = 1; ; tries++) {
      const turn = await this.interruptAndBegin(identity, request, keys, left, check);
      try {
        await turn.readable;
        return { stream: turn.stream, headers: turn.headers };
      } catch (error) {
        const { action, chatId } = request;
        // Another request was faster, or the client has an old state. It gets the present one.
        if (error instanceof NothingWaits && action.type === 'approve')
          return this.show(identity, chatId, action);
        if (!(error instanceof AppError && error.code === 'stream_in_progress')) throw error;
        // Another instance is answering in the chat, perhaps the same message.
        const same = await this.followed.findSame(identity, request);
        if (same) {
          this.readers.follow(identity.id, same, left);
          return { stream: same.stream, headers: {} };
        }
        if (tries === MAX_TRIES || !(await this.interruption.stopRemote(identity.id, request, check)))
          throw error;
      }
    }
  }

  /** @param ending the number of answers that are about to end */
  private assertOpen(userId: string, ending = 0): void {
    if (this.stopping)
      throw unavailable('The server is shutting down. Send the message again in a moment.', 2);
    this.limits.assertRoom(userId, ending);
  }

  /**
   * An answer as it is stored, for a client that sends it back.
   *
   * @param otherwise the error if it is not an answer of the user's chat
   * @throws AppError 409 while it is generated
   */
  async show(
    identity: Identity,
    chatId: string,
    answer: SentAnswer,
    otherwise = notFound('The message'),
  ): Promise<AnswerToRead> {
    const stream = await this.followed.show(identity, chatId, answer);
    if (!stream) throw otherwise;
    return { stream, headers: {} };
  }

  /** Stops the turn that is in the way, as often as there is one. @throws AppError 409 if it may not be stopped */
  private async interruptAndBegin(
    identity: Identity,
    request: TurnRequest,
    keys: UserKeys,
    left: AbortSignal,
    check: () => Promise<void>,
  ): Promise<Turn> {
    for (;;) {
      const active = this.hub.get(identity.id, request.chatId);
      // Nothing may come between this check and the beginning.
      if (!active || active.isSameAs(request)) return this.begin(identity, request, keys, left);
      const isRunning = () => this.hub.get(identity.id, request.chatId) === active;
      if (!(await this.interruption.stop(active, request, isRunning, check))) throw streamInProgress();
    }
  }

  /**
   * The stream of the answer in a chat of this user that is running on any instance, or that has ended within a minute.
   *
   * @param left aborts when its reader has left
   */
  async findStream(identity: Identity, chatId: string, left: AbortSignal): Promise<LiveStream | undefined> {
    const turn = this.hub.get(identity.id, chatId);
    if (turn) {
      turn.attend(left);
      // A turn that is refused hides no answer of another instance.
      if (await within(STOP_TIMEOUT, turn.opened, () => true)) return turn.stream;
    }
    const found = await this.followed.find(identity, chatId);
    if (found) this.readers.follow(identity.id, found, left);
    return found?.stream;
  }

  /** Ends the chat's running turn, whichever instance runs it, and waits until its content so far is stored. */
  async stop(userId: string, chatId: string): Promise<boolean> {
    const turn = this.hub.get(userId, chatId);
    const isOpened = turn !== undefined && turn.phase !== 'opening';
    turn?.stop('stopped');
    const [isRemote] = await Promise.all([
      // Until a turn is opened, another instance may be answering in the chat.
      isOpened ? false : this.remote.stop({ userId, chatId }, STOP_TIMEOUT),
      turn && endWithin(STOP_TIMEOUT, [turn.done]),
    ]);
    return isRemote || turn !== undefined;
  }

  /** Ends what is running for a chat that is about to be deleted: its turn, and its compaction. */
  async stopForDeletion(userId: string, chatId: string): Promise<void> {
    await this.stop(userId, chatId);
    await this.compaction.cancel(userId, chatId);
  }

  /** True while this instance calls models for this user. */
  isRunning(userId: string): boolean {
    return this.hub.all().some((turn) => turn.userId === userId) || this.compaction.isRunning(userId);
  }

  /** Ends all running turns of a user, on all instances, and the compactions that this one runs. */
  async stopAll(userId: string): Promise<void> {
    await Promise.all([this.stopOwn(userId), this.remote.stop({ userId }, STOP_TIMEOUT)]);
  }

  /** Ends the user's turns that this instance runs. */
  async stopOwn(userId: string): Promise<void> {
    const turns = this.hub.all().filter((turn) => turn.userId === userId);
    for (const turn of turns) turn.stop('stopped');
    await endWithin(
      STOP_TIMEOUT,
      turns.map(({ done }) => done),
    );
    await this.compaction.cancelAll(userId);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.life.start(() => this.recoveries.run());
    await this.recoveries.run();
    this.checkpoints.start();
    this.recoveries.start();
  }

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** Running turns may finish until the deadline. Their content so far is then stored. */
  async beforeApplicationShutdown(): Promise<void> {
    await endWithin(this.config.server.shutdownTimeout, this.running());
    for (const turn of this.hub.all()) turn.stop('shutdown');
    await endWithin(STORE_TIMEOUT, this.running());
    await Promise.all([this.checkpoints.stop(), this.recoveries.stop()]);
    await this.life.stop();
  }

  private running(): Array<Promise<void>> {
    return this.hub.all().map(({ done }) => done);
  }

  private async checkpoint(): Promise<void> {
    const answering = this.hub.all().filter(({ phase }) => phase === 'answering');
    const turns = answering.filter((turn) => turn.changed && !this.unstorable.has(turn));
    for (const turn of answering) this.readers.note(turn);
    // The row contains the minimum cost of silent calls, too.
    const runs = answering.flatMap(({ run, changed }) => (run && (changed || !run.isRefreshed) ? [run] : []));
    const refresh = this.accounting.refreshStatement(runs);
    if (turns.length === 0 && !refresh) return;
    for (const turn of turns) turn.changed = false;
    try {
      await this.checkpointEach(turns, refresh ? [refresh] : []);
      for (const run of runs) run.isRefreshed = true;
    } catch (error) {
      for (const turn of turns) turn.changed = true;
      throw error;
    }
  }

  /** Stores all in one statement. If that fails, it is split in halves, down to the answer that PostgreSQL refuses. */
  private async checkpointEach(turns: Turn[], also: Statement[] = []): Promise<void> {
    try {
      const answers = turns.map(({ answerId: id, streamId, answer }) => ({
        id,
        streamId,
        parts: toJson(answer.parts),
      }));
      const stored = new Set(await this.repository.checkpoint(answers, also));
      // The rows of the others are locked at the moment.
      for (const turn of turns) if (!stored.has(turn.answerId)) turn.changed = true;
    } catch (error) {
      const [turn] = turns;
      if (!turn || toAppError(error).status === 503) throw error;
      if (turns.length === 1 && also.length === 0) {
        this.unstorable.add(turn);
        const { chatId, answerId } = turn;
        this.logger.error({ err: error, chatId, messageId: answerId }, 'An answer cannot be checkpointed.');
        return;
      }
      const middle = Math.ceil(turns.length / 2);
      await this.checkpointEach(turns.slice(0, middle));
      await this.checkpointEach(turns.slice(middle));
    }
  }

  private async recover(): Promise<void> {
    const answers = await this.recovery.recover(() => this.hub.all().map(({ streamId }) => streamId));
    if (answers > 0) this.logger.warn({ answers }, 'Answers that a crash interrupted were closed.');
  }
}

/** Waits for the end of work, but no longer than this. */
async function endWithin(milliseconds: number, work: Array<Promise<void>>): Promise<void> {
  await within(milliseconds, Promise.all(work), () => undefined);
}
