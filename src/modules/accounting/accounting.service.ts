import { Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import { violatedConstraint } from '../../common/errors/postgres-errors.js';
import { toAppError } from '../../common/errors/problem.js';
import { usageWritesWaiting } from '../../common/observability/metrics.js';
import type { Admission } from '../rate-limit/admission.js';
import { AdmissionService } from '../rate-limit/admission.service.js';
import type { AdmissionRequest, AdmissionResult } from '../rate-limit/admission.types.js';
import type { FinishedCall } from '../usage/usage.types.js';
import { UsageService } from '../usage/usage.service.js';
import {
  AccountedRun,
  type Gives,
  type OnStored,
  type RunFigures,
  type RunName,
  type Storing,
} from './accounted-run.js';
import { currentAsker } from './run-context.js';
import { RunsRepository } from './runs.repository.js';

/** Calls that are sent within this many milliseconds are noted together. Calls that end sooner usually need no note. */
const NOTE_AFTER = 25;

/** The constraint that a call violates if its user was deleted while it ran. */
const USER_OF_CALL = 'usage_logs_user_id_fkey';
/** Whether calls cannot be booked because their user was deleted. */
export function isOfDeletedUser(error: unknown): boolean {
  return violatedConstraint(error) === USER_OF_CALL;
}

/** Each of them is reported once. After this many, the list starts again. */
const MOST_DELETED_USERS = 1_000;

interface Storage {
  calls: FinishedCall[];
  storing?: Storing;
  onStored?: OnStored;
  gives: Gives;
}

/** Starts accounted runs and stores their state. A failure of accounting never makes the work fail: it is retried, then logged. */
@Injectable()
export class Accounting {
  private readonly logger = new Logger(Accounting.name);
  private readonly unnoted = new Set<AccountedRun>();
  private readonly deletedUsers = new Set<string>();
  private timer?: NodeJS.Timeout;
  private noted: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly admissions: AdmissionService,
    private readonly usage: UsageService,
    private readonly runs: RunsRepository,
  ) {}

  /**
   * Starts a run for the current request. The caller must end it; {@link account} does both.
   *
   * @param before the earlier usage of an answer that is continued
   */
  begin(name: RunName, before?: RunFigures): AccountedRun {
    return new AccountedRun(currentAsker(), name, this, before);
  }

  /** Starts a run, admits it, and ends it when `work` is done. @throws AppError 429, and the error of `work` */
  async account<T>(
    name: RunName,
    work: (run: AccountedRun) => Promise<T>,
    {
      admission,
      failureOf,
    }: { admission?: AdmissionRequest; failureOf?: (error: unknown) => AppErrorLike } = {},
  ): Promise<T> {
    const run = this.begin(name);
    if (admission) await this.admit(run, admission);
    let failure: AppErrorLike | undefined;
    try {
      return await run.do(() => work(run));
    } catch (error) {
      failure = failureOf?.(error);
      throw failure ?? error;
    } finally {
      // A client that reads its usage after the answer finds the calls there, whatever their ending.
      await run.end({ failure });
    }
  }

  /** @throws AppError 429 */
  async admit(run: AccountedRun, request: AdmissionRequest): Promise<void> {
    const [rows] = await this.database
      .batch(run.asker.userId)
      .add(this.admitStatement(run, request))
      .commit();
    run.admit(request, (rows as AdmissionResult[])[0]);
  }

  admitStatement(run: AccountedRun, request: AdmissionRequest): Statement {
    run.hasRow = true;
    return this.admissions.admitStatement(toAdmit(run), request);
  }

  toAdmission(run: AccountedRun, request: AdmissionRequest, result: AdmissionResult | undefined): Admission {
    return this.admissions.toAdmission(toAdmit(run), request, result, () => run.book());
  }

  /** Releases the whole reservation of the run. */
  release(run: AccountedRun): void {
    this.admissions.release(run.id);
  }

  /**
   * The statement that starts a run which is not admitted yet, because a model chooses its agent, for a transaction.
   *
   * @param routingCost the USD to reserve for the choice
   */
  beginStatement(run: AccountedRun, routingCost: number): Statement {
    run.hasRow = true;
    return this.runs.routing(run, routingCost);
  }

  /** The statement that updates the cost of the calls of runs so far. Undefined if there are none. */
  refreshStatement(runs: AccountedRun[]): Statement | undefined {
    const calling = runs.filter((run) => run.hasRow && run.isCalling);
    return calling.length > 0 ? this.runs.refreshing(calling) : undefined;
  }

  /** Runs without a live process: those of some answers and, unless `ofAnswersOnly` is set, those of dead instances. */
  findLeft(
    answerIds: string[],
    options: { except: string[]; limit: number; ofAnswersOnly: boolean },
  ): Promise<string[]> {
    return this.runs.findLeft(answerIds, options);
  }

  /** Books the calls of such runs as interrupted. @returns the number of closed runs */
  closeLeft(ids: string[], options?: { withoutMetadata: boolean }): Promise<number> {
    return this.runs.close(ids, options);
  }

  /** Called when a call was sent that is not in the row of its run. */
  note(run: AccountedRun): void {
    this.unnoted.add(run);
    this.timer ??= setTimeout(() => this.flushNotes(), NOTE_AFTER);
  }

  /**
   * Books calls of a run together with other data, all or nothing. It is retried while the database is unavailable or
   * one of the rows is locked. If the database refuses the statement, the calls and the other data are stored
   * separately. Never rejects.
   *
   * @returns false if the other data could not be stored
   */
  async store(run: AccountedRun, storage: Storage): Promise<boolean> {
    this.unnoted.delete(run);
    await run.noted;
    const { calls, storing, gives } = storage;
    if (calls.length === 0 && !storing && (gives === 'nothing' || !run.hasRow)) return true;
    if (gives !== 'nothing') this.release(run);
    usageWritesWaiting.inc(calls.length);
    try {
      return await this.write(run, storage);
    } finally {
      usageWritesWaiting.dec(calls.length);
    }
  }

  private async write(run: AccountedRun, storage: Storage): Promise<boolean> {
    const { calls, storing } = storage;
    try {
      await retryWhileUnavailable(() => this.commit(run, storage), run.patience);
      return true;
    } catch (error) {
      if (isOfDeletedUser(error)) return this.reportDeleted(run);
      if (calls.length > 0 && storing && toAppError(error).status !== 503) {
        this.logger.warn({ err: error }, 'The end of an answer and its calls are stored separately.');
        await this.write(run, { ...storage, storing: undefined });
        return this.write(run, { ...storage, calls: [], gives: 'nothing' });
      }
      if (calls.length === 0) {
        this.logger.error({ err: error }, 'The data that belongs to model calls could not be stored.');
        return false;
      }
      const lost = calls.map(({ id, userId, chatId, model, tokens, cost, metadata }) => ({
        callId: id,
        userId,
        chatId,
        model,
        tokens,
        cost: cost.totalCost,
        callStatus: metadata.status,
      }));
      this.logger.error({ err: error, calls: lost }, 'The end of model calls could not be recorded.');
      return false;
    }
  }

  /** Everything of a deleted user is gone, so nothing is missing. @returns true */
  private reportDeleted({ asker: { userId } }: AccountedRun): true {
    if (this.deletedUsers.has(userId)) return true;
    if (this.deletedUsers.size >= MOST_DELETED_USERS) this.deletedUsers.clear();
    this.deletedUsers.add(userId);
    this.logger.log({ userId }, 'A user was deleted during answers. Their model calls are not recorded.');
    return true;
  }

  private async commit(run: AccountedRun, { calls, storing, onStored, gives }: Storage): Promise<void> {
    const batch = this.database.batch(run.asker.userId);
    if (gives === 'place') batch.add(this.runs.givingBack(run));
    const booking = run.bookingOf(calls);
    batch.add(storing ? storing(booking) : this.usage.bookStatement(booking));
    const results = await batch.commit();
    if (storing) onStored?.(results.at(-1) ?? []);
  }

  /** Runs one at a time: an older note must not restore the row of a run that has ended. */
  private flushNotes(): void {
    this.timer = undefined;
    const runs = [...this.unnoted].filter((run) => run.isCalling);
    this.unnoted.clear();
    if (runs.length === 0) return;
    for (const run of runs) run.hasRow = true;
    const writing = this.noted.then(() => this.writeNotes(runs));
    this.noted = writing;
    for (const run of runs) run.noted = writing;
  }

  private async writeNotes(runs: AccountedRun[]): Promise<void> {
    const notes = this.database.provisionalBatch().add(this.runs.noting(runs));
    await notes.commit().catch((error: unknown) => this.writeEach(runs, error));
  }

  /** A call that cannot be noted does not prevent the others from being noted. */
  private async writeEach(runs: AccountedRun[], cause: unknown): Promise<void> {
    if (runs.length === 1) {
      this.logger.warn(
        { err: cause, runId: runs[0]?.id },
        'The start of a model call could not be recorded yet.',
      );
      return;
    }
    for (const run of runs) {
      const noting = this.database
        .provisionalBatch()
        .add(this.runs.noting([run]))
        .commit();
      await noting.catch((error: unknown) => this.writeEach([run], error));
    }
  }
}

interface AppErrorLike extends Error {
  status: number;
}

/** A run as its admission needs it. */
function toAdmit(run: AccountedRun) {
  return { id: run.id, messageId: run.name.messageId, sentCalls: run.unbookedCalls() };
}
