import { randomUUID } from 'node:crypto';
import type { Statement } from '../../common/database/database.js';
import { toJson } from '../../common/database/stored-json.js';
import type { AgentType } from '../admin-config/config-schemas.js';
import type { Admission } from '../rate-limit/admission.js';
import type { AdmissionRequest, AdmissionResult } from '../rate-limit/admission.types.js';
import { endedEntryOf, entryOf, toBooks } from '../usage/books.js';
import { addMoney, NO_TOKENS, type TokenUsage } from '../usage/pricing.js';
import type { Booking, CallFigures, FinishedCall, SentCall, UsagePurpose } from '../usage/usage.types.js';
import { isUsed, type Used } from '../usage/usage-words.js';
import type { Accounting } from './accounting.service.js';
import { type Asker, runContext } from './run-context.js';

/** What a run is called in the books. */
export interface RunName {
  agentType: AgentType;
  purpose: UsagePurpose;
  chatId?: string;
  /** The answer whose own figures its calls add to. */
  messageId?: string;
}

/** A model that is called, as the books name it. */
export interface CalledModel {
  provider: string;
  /** The vendor's own id. */
  id: string;
  ownKey: boolean;
}

/** Makes the statement that stores what belongs to calls, and books these: their figures go into the same rows. */
export type Storing = (booking: Booking) => Statement;

export interface RunEnd {
  storing?: Storing;
  /** What the run failed with for its user. */
  failure?: { status: number };
}

/** What of its admission a run lets go of. */
export type Gives = 'nothing' | 'reservation' | 'place';

/** A call that has ended is booked at the latest after this time, in milliseconds, mostly with what is stored next. */
const BOOK_AFTER = 1_000;

/**
 * The life of everything that calls a model: it is admitted, it makes calls, each of which becomes a row of `usage_logs`, and
 * it is settled or given back, with whatever else is to be stored at that moment. A call that was sent stands in the row of
 * its run until it is booked, so that a crash loses none.
 */
export class AccountedRun {
  readonly id = randomUUID();
  /** Resolves when the rows of its chat are there: calls may be sent before them, and are booked after them. */
  ready: Promise<unknown> = Promise.resolve();
  /** Whether the database knows of it: it has a row in `switchboard.runs`. */
  hasRow = false;
  private admitted?: Admission;
  private main: RunPart;
  private readonly sent = new Map<string, { call: SentCall; soFar: () => CallFigures }>();
  private planned?: { call: SentCall; figures: CallFigures };
  private ended: FinishedCall[] = [];
  private booking: FinishedCall[] = [];
  private timer?: NodeJS.Timeout;
  private bookings: Promise<unknown> = Promise.resolve();
  isOver = false;
  /** Whether its row says what the calls that are under way have cost so far, as of the last checkpoint. */
  isRefreshed = true;
  /** Resolves when the calls that were sent last are noted. */
  noted?: Promise<void>;
  /** How long its bookings are tried again while the database is away; `long` where no request waits for them. */
  patience: 'short' | 'long' = 'short';

  constructor(
    readonly asker: Asker,
    readonly name: RunName,
    private readonly accounting: Accounting,
    before?: RunFigures,
  ) {
    this.main = this.part({}, before);
  }

  /** Absent where nobody had to admit it. */
  get admission(): Admission | undefined {
    return this.admitted;
  }

  /** A piece of its work with figures of its own. */
  part(name: Partial<RunName>, figures = new RunFigures()): RunPart {
    return new RunPart(this, { ...this.name, ...name }, figures);
  }

  /** Runs `fn`; the calls it makes are those of the run. */
  do<T>(fn: () => T): T {
    return this.main.do(fn);
  }

  get figures(): RunFigures {
    return this.main.figures;
  }

  /** Says which call will be sent at once when the run is admitted: its row then has it already. */
  plan(model: CalledModel, figures: CallFigures, part = this.main): void {
    this.planned = { call: part.newCall(model), figures };
  }

  /** The statement that admits it, for a transaction that a refusal is to undo. Its row goes to {@link admit}. */
  admitStatement(request: AdmissionRequest): Statement {
    return this.accounting.admitStatement(this, request);
  }

  /** @throws AppError 429, and its transaction has to be undone */
  admit(request: AdmissionRequest, result: AdmissionResult | undefined): void {
    this.admitted = this.accounting.toAdmission(this, request, result);
    this.main = this.part({ agentType: request.agentType }, this.main.figures);
  }

  /** The transaction that admitted it was undone. */
  forget(): void {
    this.hasRow = false;
    this.admitted = undefined;
    this.accounting.release(this);
  }

  /** What its row says of the calls that were sent and are not booked, as JSON. */
  unbookedCalls(): string {
    return this.entriesOf([...this.booking, ...this.ended]);
  }

  /** Calls of the run as they are booked, and what of its row stays then. */
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

  /** The name that the run, and what it reserves, has now. */
  get agentType(): AgentType {
    return this.main.name.agentType;
  }

  get isCalling(): boolean {
    return this.sent.size > 0;
  }

  /** A call is being sent. */
  send(part: RunPart, model: CalledModel, soFar: () => CallFigures): SentCall {
    const call = this.takePlanned(part, model) ?? part.newCall(model);
    const isKnown = call.id === this.planned?.call.id;
    if (isKnown) this.planned = undefined;
    this.sent.set(call.id, { call, soFar });
    this.isRefreshed = false;
    if (!isKnown) this.accounting.note(this);
    return call;
  }

  /** A call has ended; it is booked with what is stored next, or soon. */
  finish(call: FinishedCall): void {
    this.sent.delete(call.id);
    this.ended.push(call);
    this.accounting.trace(call);
    this.timer ??= setTimeout(() => void this.book(), BOOK_AFTER);
  }

  /** Books the calls that have ended so far. Never rejects. */
  async book(): Promise<void> {
    if (this.ended.length > 0) await this.store();
    else await this.bookings;
  }

  /**
   * Stores something together with the calls that have ended so far: all of it or nothing. Never rejects.
   *
   * @returns false when it could not be stored
   */
  store(storing?: Storing): Promise<boolean> {
    return this.write({ storing, gives: 'nothing' });
  }

  /**
   * Ends the run: books its calls and lets go of what it had reserved, with whatever else is to be stored at that moment. A
   * run that was refused by a provider, and has used nothing, gives its place in the limits back. Calls that are still under
   * way are booked when they end. Never rejects; only the first end counts.
   *
   * @returns false when what else is to be stored could not be
   */
  async end({ storing, failure }: RunEnd = {}): Promise<boolean> {
    if (this.isOver) return true;
    this.isOver = true;
    const givesBack = failure !== undefined && failure.status < 500 && !this.main.figures.hasGrown();
    return this.write({ storing, gives: givesBack && this.admitted ? 'place' : 'reservation' });
  }

  private write({ storing, gives }: { storing?: Storing; gives: Gives }): Promise<boolean> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const calls = this.ended;
    this.ended = [];
    const before = this.bookings;
    const writing = (async () => {
      await Promise.all([before, this.ready.catch(() => undefined)]);
      this.booking = calls;
      const isStored = await this.accounting.store(this, { calls, storing, gives });
      this.booking = [];
      return isStored;
    })();
    this.bookings = writing;
    return writing;
  }

  private entriesOf(ended: FinishedCall[]): string {
    const entries: Array<[string, object]> = ended.map((call) => [call.id, endedEntryOf(call)]);
    for (const [id, { call, soFar }] of this.sent) entries.push([id, entryOf(call, soFar())]);
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

/** A piece of the work of a run: its calls bear its name, and add to its figures. */
export class RunPart {
  constructor(
    readonly run: AccountedRun,
    readonly name: RunName,
    readonly figures: RunFigures,
  ) {}

  /** Runs `fn`; the calls it makes are those of this part, however long they take. */
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
    this.run.finish(call);
  }
}

/** The sums of some calls. */
export class RunFigures implements Used {
  private readonly before: Used;

  /** @param tokens what an answer that goes on had used, and `totalCost` what that was */
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
