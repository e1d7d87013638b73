import { randomUUID } from 'node:crypto';
import type { Statement } from '../../common/database/database.js';
import { toJson } from '../../common/database/stored-json.js';
import type { AgentType } from '../admin-config/config-schemas.js';
import type { Admission } from '../rate-limit/admission.js';
import type { AdmissionRequest, AdmissionResult } from '../rate-limit/admission.types.js';
import { endedEntryOf, entryOf, toBooks } from '../usage/books.js';
import { addMoney, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import type {
  Booking,
  CallFigures,
  CallSoFar,
  FinishedCall,
  SentCall,
  UsagePurpose,
} from '../usage/usage.types.js';
import { isUsed, type Used } from '../usage/usage-words.js';
import type { Accounting } from './accounting.service.js';
import { type Asker, runContext } from './run-context.js';

/** How usage records identify a run. */
export interface RunName {
  agentType: AgentType;
  purpose: UsagePurpose;
  chatId?: string;
  /** The answer that the calls add their figures to. */
  messageId?: string;
}

/** A model that is called, as usage records name it. */
export interface CalledModel {
  provider: string;
  /** The vendor's id of the model. */
  id: string;
  ownKey: boolean;
}

/** Creates the statement that stores something together with calls and books them. The figures of the calls go into the same rows. */
export type Storing = (booking: Booking) => Statement;

/** Called with the rows of the statement that was stored together with calls. */
export type OnStored = (rows: unknown[]) => void;

export interface RunEnd {
  storing?: Storing;
  onStored?: OnStored;
  /** The error that the user of the run gets. */
  failure?: { status: number };
}

/** What a run releases of its admission. */
export type Gives = 'nothing' | 'reservation' | 'place';

/**
 * The time in milliseconds after which a call that has ended is booked at the latest. Usually it is booked earlier,
 * with the next write.
 */
const BOOK_AFTER = 1_000;

/**
 * The life cycle of everything that calls a model. A run is admitted and makes calls, and each call becomes a row of
 * `usage_logs`. At the end, the run is settled or given back, together with whatever else must be stored at that
 * moment. A call that was sent is kept in the row of its run until it is booked, so a crash loses no call.
 */
export class AccountedRun {
  readonly id = randomUUID();
  /** Resolves when the rows of its chat exist. Calls may be sent before that, and are booked after it. */
  ready: Promise<unknown> = Promise.resolve();
  /** Whether the database knows the run: it has a row in `switchboard.runs`. */
  hasRow = false;
  private admitted?: Admission;
  private main: RunPart;
  private readonly sent = new Map<string, { call: SentCall; soFar: () => CallSoFar }>();
  private planned?: { call: SentCall; figures: CallFigures };
  private ended: FinishedCall[] = [];
  private booking: FinishedCall[] = [];
  private timer?: NodeJS.Timeout;
  private bookings: Promise<unknown> = Promise.resolve();
  isOver = false;
  /** Whether the row contains the cost of running calls as of the last checkpoint. */
  isRefreshed = true;
  /** Resolves when the calls that were sent last are noted. */
  noted?: Promise<void>;
  /** How long bookings are retried while the database is unavailable. `long` is for bookings that no request waits for. */
  patience: 'short' | 'long' = 'short';

  constructor(
    readonly asker: Asker,
    readonly name: RunName,
    private readonly accounting: Accounting,
    before?: RunFigures,
  ) {
    this.main = this.part({}, before);
  }

  /** Absent if the run needed no admission. */
  get admission(): Admission | undefined {
    return this.admitted;
  }

  /** A part of the run's work that has figures of its own. */
  part(name: Partial<RunName>, figures = new RunFigures()): RunPart {
    return new RunPart(this, { ...this.name, ...name }, figures);
  }

  /** Runs `fn`. The calls that it makes belong to the run. */
  do<T>(fn: () => T): T {
    return this.main.do(fn);
  }

  get figures(): RunFigures {
    return this.main.figures;
  }

  /** Sets the call that is sent as soon as the run is admitted, so that the row of the run contains it from the start. */
  plan(model: CalledModel, figures: CallFigures, part = this.main): void {
    this.planned = { call: part.newCall(model), figures };
  }

  /** The statement that admits the run, for a transaction that a refusal undoes. Pass its row to {@link admit}. */
  admitStatement(request: AdmissionRequest): Statement {
    return this.accounting.admitStatement(this, request);
  }

  /** @throws AppError 429; its transaction must then be rolled back */
  admit(request: AdmissionRequest, result: AdmissionResult | undefined): void {
    this.admitted = this.accounting.toAdmission(this, request, result);
    this.main = this.part({ agentType: request.agentType }, this.main.figures);
  }

  /** The transaction that admitted the run was rolled back. */
  forget(): void {
    this.hasRow = false;
    this.admitted = undefined;
    this.accounting.release(this);
  }

  /** The calls in the row of the run, as JSON: those that were sent and are not booked. */
  unbookedCalls(): string {
    return this.entriesOf([...this.booking, ...this.ended]);
  }

  /** Calls of the run to book, and the calls that stay in its row afterwards. */
  bookingOf(calls: FinishedCall[]): Booking {
    const isDone = this.isOver && !this.isCalling;
    return {
      calls: toBooks(calls),
      chatId: this.name.chatId,
      answerId: this.name.messageId,
      runId: this.hasRow ? this.id : undefined,
      callsLeft: this.hasRow && !isDone ? this.entriesOf(this.ended) : undefined,
      isOver: this.isOver,
    };
  }

  /** The current name of the run and of its reservation. */
  get agentType(): AgentType {
    return this.main.name.agentType;
  }

  get isCalling(): boolean {
    return this.sent.size > 0;
  }

  /** Called when a call is sent. */
  send(part: RunPart, model: CalledModel, soFar: () => CallSoFar): SentCall {
    const call = this.takePlanned(part, model) ?? part.newCall(model);
    const isKnown = call.id === this.planned?.call.id;
    if (isKnown) this.planned = undefined;
    this.sent.set(call.id, { call, soFar });
    this.isRefreshed = false;
    if (!isKnown) this.accounting.note(this);
    return call;
  }

  /** Called when a call has ended. It is booked with the next write, or soon. */
  finish(call: FinishedCall): void {
    this.sent.delete(call.id);
    this.ended.push(call);
    this.timer ??= setTimeout(() => void this.book(), BOOK_AFTER);
  }

  /** Books the calls that have ended so far. Never rejects. */
  async book(): Promise<void> {
    if (this.ended.length > 0) await this.store();
    else await this.bookings;
  }

  /**
   * Stores something together with the calls that have ended so far, all or nothing. Never rejects.
   *
   * @returns false if it could not be stored
   */
  store(storing?: Storing, onStored?: OnStored): Promise<boolean> {
    return this.write({ storing, onStored, gives: 'nothing' });
  }

  /**
   * Ends the run: books its calls and releases its reservation, together with whatever else must be stored at that
   * moment. If a provider refused the run and nothing was used, the run no longer counts against the limits. Calls that
   * are still running are booked when they end. Never rejects. Only the first end counts.
   *
   * @returns false if the additional data could not be stored
   */
  async end({ storing, onStored, failure }: RunEnd = {}): Promise<boolean> {
    if (this.isOver) return true;
    this.isOver = true;
    const givesBack = failure !== undefined && failure.status < 500 && !this.main.figures.hasGrown();
    return this.write({ storing, onStored, gives: givesBack && this.admitted ? 'place' : 'reservation' });
  }

  private write({ storing, onStored, gives }: Omit<RunEnd, 'failure'> & { gives: Gives }): Promise<boolean> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const calls = this.ended;
    this.ended = [];
    const before = this.bookings;
    const writing = (async () => {
      await Promise.all([before, this.ready.catch(() => undefined)]);
      this.booking = calls;
      const isStored = await this.accounting.store(this, { calls, storing, onStored, gives });
      this.booking = [];
      return isStored;
    })();
    this.bookings = writing;
    return writing;
  }

  private entriesOf(ended: FinishedCall[]): string {
    const entries: Array<[string, object]> = ended.map((call) => [call.id, endedEntryOf(call)]);
    for (const [id, { call, soFar }] of this.sent) {
      const known = soFar();
      entries.push([id, entryOf({ ...call, metadata: known.metadata }, known)]);
    }
    const { planned } = this;
    if (planned) entries.push([planned.call.id, entryOf(planned.call, planned.figures)]);
    return toJson(Object.fromEntries(entries));
  }

  private takePlanned(part: RunPart, model: CalledModel): SentCall | undefined {
    const call = this.planned?.call;
    const isIt =
      call?.provider === model.provider &&
      call.model === model.id &&
      call.metadata.purpose === part.name.purpose;
    return isIt ? { ...call, requestedAt: new Date() } : undefined;
  }
}

/** A part of a run's work. Its calls carry its name and add to its figures. */
export class RunPart {
  constructor(
    readonly run: AccountedRun,
    readonly name: RunName,
    readonly figures: RunFigures,
  ) {}

  /** Runs `fn`. The calls that it makes belong to this part, however long they take. */
  do<T>(fn: () => T): T {
    return runContext.run({ asker: this.run.asker, part: this }, fn);
  }

  forPurpose(purpose: UsagePurpose): RunPart {
    return new RunPart(this.run, { ...this.name, purpose }, this.figures);
  }

  newCall({ provider, id, ownKey }: CalledModel): SentCall {
    const { userId, requestId } = this.run.asker;
    const { agentType, purpose, chatId, messageId } = this.name;
    return {
      id: randomUUID(),
      userId,
      chatId,
      agentType,
      model: id,
      provider,
      requestedAt: new Date(),
      metadata: { purpose, requestId, messageId, ownKey },
    };
  }

  finish(call: FinishedCall): void {
    this.figures.add(call);
    if (call.metadata.purpose === 'answer') this.figures.lastCall = call.tokens;
    this.run.finish(call);
  }
}

/** The sums of several calls. */
export class RunFigures implements Used {
  /** The tokens of the last call for the answer itself. Its prompt contained the whole conversation. */
  lastCall?: TokenUsage;
  private readonly before: Used;

  /** @param tokens the earlier usage of an answer that is continued; `totalCost` is the cost of that usage */
  constructor(
    public tokens: TokenUsage = NO_TOKENS,
    public totalCost = '0',
  ) {
    this.before = { tokens };
  }

  add({ tokens, cost }: CallFigures): void {
    this.tokens = {
      inputTokens: this.tokens.inputTokens + tokens.inputTokens,
      cachedInputTokens: this.tokens.cachedInputTokens + tokens.cachedInputTokens,
      cacheWriteTokens: this.tokens.cacheWriteTokens + tokens.cacheWriteTokens,
      outputTokens: this.tokens.outputTokens + tokens.outputTokens,
      reasoningTokens: this.tokens.reasoningTokens + tokens.reasoningTokens,
    };
    this.totalCost = addMoney(this.totalCost, cost.totalCost);
  }

  hasGrown(): boolean {
    const { inputTokens, outputTokens } = this.before.tokens;
    return isUsed({
      tokens: {
        inputTokens: this.tokens.inputTokens - inputTokens,
        outputTokens: this.tokens.outputTokens - outputTokens,
      },
    });
  }
}
