import { randomUUID } from 'node:crypto';
import type { UIMessageChunk } from 'ai';
import type { AppError } from '../../common/errors/app-error.js';
import type { Admission } from '../rate-limit/admission.js';
import { LiveStream } from './stream-hub/live-stream.js';
import { bounded } from '../../common/database/bounded-json.js';
import { MessageAssembler } from './message-assembler.js';
import type { Note } from '../agents/agent.js';
import type { TurnRequest } from './turn.types.js';

/** Why a turn is ended before the model has finished. */
export type TurnStop = 'stopped' | 'shutdown' | 'too-long' | 'unstored';

/** More than any model says in one answer: whoever sends this is broken. In characters of the replay log. */
export const ANSWER_LIMIT = { size: 16 * 1024 ** 2 };

/**
 * One message and its answer while it is written. The turn owns the generation: connections come and go. What is
 * published goes to the readers and into the message that is stored.
 */
export class Turn {
  readonly streamId = randomUUID();
  /** A new answer's id, or that of the answer which goes on. */
  readonly answerId: string;
  readonly stream = new LiveStream();
  readonly answer = new MessageAssembler();
  /** Set when the turn was let in; ended by whoever conducts it. */
  admission?: Admission;
  /** Resolves when there is something to send; rejects when the turn failed before that. */
  readonly opened: Promise<void>;
  /** True once the rows of the answer exist, so that it can be checkpointed. */
  stored = false;
  /** True when something was published since the last checkpoint. */
  changed = false;
  /** Set when the turn is opened. */
  answerCreatedAt = new Date();
  /** Resolves when the turn is over and stored; set by whoever conducts it. */
  done: Promise<void> = Promise.resolve();

  private readonly controller = new AbortController();
  private readonly opening = Promise.withResolvers<void>();

  constructor(
    readonly userId: string,
    readonly request: TurnRequest,
  ) {
    this.answerId = request.action.type === 'approve' ? request.action.messageId : randomUUID();
    this.opened = this.opening.promise;
    // Nobody may be waiting: then the failure is in the stored message and the log.
    this.opened.catch(() => undefined);
  }

  get chatId(): string {
    return this.request.chatId;
  }

  /** Of the response that begins the turn: how much of its limit is left. */
  get headers(): Readonly<Record<string, string>> {
    return this.admission?.headers ?? {};
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopReason(): TurnStop | undefined {
    return this.signal.aborted ? (this.signal.reason as TurnStopError).why : undefined;
  }

  publish(said: UIMessageChunk): void {
    const chunk = withinBounds(said);
    this.answer.add(chunk);
    this.stream.publish(chunk);
    this.changed = true;
    if (this.stream.size > ANSWER_LIMIT.size) this.stop('too-long');
  }

  /** Into the stored answer alone. */
  readonly note: Note = (part) => {
    this.answer.note(part);
    this.changed = true;
  };

  /** Nothing more will be said: live and after a reload, no part looks as if there were more to come. */
  endParts(): void {
    for (const chunk of this.answer.missingEnds()) this.publish(chunk);
  }

  /** From now on readers are answered with the stream. */
  open(): void {
    this.opening.resolve();
  }

  /** Readers that are still waiting get the error instead of a stream. */
  refuse(error: AppError): void {
    this.opening.reject(error);
  }

  stop(why: TurnStop): void {
    if (!this.signal.aborted) this.controller.abort(new TurnStopError(why));
  }

  /** Whether `request` asks for exactly what this turn is doing: then it is a retry, and is attached. */
  isSameAs(request: TurnRequest): boolean {
    const { action } = this.request;
    return action.type !== 'regenerate' && JSON.stringify(action) === JSON.stringify(request.action);
  }
}

/** Of a token only its text can be large; all else holds JSON of a model or a tool server, of any depth and size. */
function withinBounds(chunk: UIMessageChunk): UIMessageChunk {
  if (chunk.type === 'text-delta' || chunk.type === 'reasoning-delta') {
    return chunk.providerMetadata === undefined
      ? chunk
      : { ...chunk, providerMetadata: bounded(chunk.providerMetadata) as typeof chunk.providerMetadata };
  }
  // A file or a picture is one long text: the size of the whole answer is its bound.
  if (chunk.type === 'file' || chunk.type === 'data-imageDelta' || chunk.type === 'tool-input-delta')
    return chunk;
  let isChanged = false;
  const fields = Object.entries(chunk).map(([name, value]: [string, unknown]) => {
    const kept = typeof value === 'object' ? bounded(value) : value;
    isChanged ||= kept !== value;
    return [name, kept] as const;
  });
  return isChanged ? (Object.fromEntries(fields) as UIMessageChunk) : chunk;
}

class TurnStopError extends Error {
  override name = 'AbortError';

  constructor(readonly why: TurnStop) {
    super(`The turn was ended: ${why}.`);
  }
}
