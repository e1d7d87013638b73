import { randomUUID } from 'node:crypto';
import type { UIMessageChunk } from 'ai';
import type { AppError } from '../../common/errors/app-error.js';
import type { AccountedRun } from '../accounting/accounted-run.js';
import { LiveStream } from './stream-hub/live-stream.js';
import { bounded } from '../../common/database/bounded-json.js';
import { MessageAssembler } from './message-assembler.js';
import type { Note } from '../agents/agent.js';
import type { RefusedFile } from '../agents/prompt/refused-files.js';
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
  /** Set when its calls can be accounted; ended by the conductor. */
  run?: AccountedRun;
  /** Resolves when there is something to read; rejects when the turn failed before that. */
  readonly readable: Promise<void>;
  /** What has arrived is checkpointed while the answer is being written: its rows exist, and its end is not stored yet. */
  phase: 'opening' | 'answering' | 'ending' = 'opening';
  /** True when something was published since the last checkpoint. */
  changed = false;
  /** Set when the turn is opened. */
  answerCreatedAt = new Date();
  /** Resolves when the turn is over and stored; set by whoever conducts it. */
  done: Promise<void> = Promise.resolve();

  /** By their messages, the files that the vendor could not process. */
  readonly refusedFiles = new Map<string, RefusedFile[]>();

  private readonly controller = new AbortController();
  private readonly reading = Promise.withResolvers<void>();

  constructor(
    readonly userId: string,
    readonly request: TurnRequest,
  ) {
    this.answerId = request.action.type === 'approve' ? request.action.messageId : randomUUID();
    this.readable = this.reading.promise;
    // Nobody may be waiting: then the failure is in the stored message and the log.
    this.readable.catch(() => undefined);
  }

  get chatId(): string {
    return this.request.chatId;
  }

  /** Of the response that begins the turn: how much of its limit is left. */
  get headers(): Readonly<Record<string, string>> {
    return this.run?.admission?.headers ?? {};
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopReason(): TurnStop | undefined {
    return this.signal.aborted ? (this.signal.reason as TurnStopError).why : undefined;
  }

  publish(unbounded: UIMessageChunk): void {
    const chunk = withinBounds(unbounded);
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

  /** Files of earlier messages that the vendor could not process: the answer does without them, and says so. */
  readonly onRefusedFiles = (files: readonly RefusedFile[]): void => {
    for (const file of files) {
      const { messageId } = file;
      this.refusedFiles.set(messageId, [...(this.refusedFiles.get(messageId) ?? []), file]);
    }
    this.publish({
      type: 'data-refusedFiles',
      data: files.map(({ messageId, name }) => ({ messageId, name })),
    });
  };

  /** Nothing more will be said: live and after a reload, no part looks as if there were more to come. */
  endParts(): void {
    for (const chunk of this.answer.missingEnds()) this.publish(chunk);
  }

  /** From now on readers are answered with the stream. */
  letRead(): void {
    this.reading.resolve();
  }

  /** Readers that are still waiting get the error instead of a stream. */
  refuse(error: AppError): void {
    this.reading.reject(error);
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
