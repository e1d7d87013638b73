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

/** Why a turn is ended before the model has finished. `taken`: another instance has closed its answer, or it was deleted. */
export type TurnStop = 'stopped' | 'shutdown' | 'too-long' | 'unstored' | 'taken';

/** No model writes more in one answer, so a longer one comes from a broken server. In characters of the replay log. */
export const ANSWER_LIMIT = { size: 16 * 1024 ** 2 };

/**
 * One message and its answer while the answer is written. The turn owns the generation, whatever connections come and
 * go. What is published goes to the readers and into the stored message.
 */
export class Turn {
  readonly streamId = randomUUID();
  /** The id of a new answer, or of the answer that is continued. */
  readonly answerId: string;
  readonly stream = new LiveStream();
  readonly answer = new MessageAssembler();
  /** Set when its calls can be accounted. The conductor ends it. */
  run?: AccountedRun;
  /** Resolves when there is something to read. Rejects if the turn failed before that. */
  readonly readable: Promise<void>;
  /**
   * True when the rows of the answer are stored, false if the turn was refused. Until then, another instance may be
   * answering in the chat.
   */
  readonly opened: Promise<boolean>;
  /** `answering` while the content is checkpointed: the rows of the answer exist, and its end is not stored yet. */
  phase: 'opening' | 'answering' | 'ending' = 'opening';
  /** True if something was published since the last checkpoint. */
  changed = false;
  /** Set when the turn is opened. */
  answerCreatedAt = new Date();
  /** Called when the last connection has left, and when there is one again. */
  onReaders: () => void = () => undefined;
  /** Resolves when the turn has ended and is stored. The conductor sets it. */
  done: Promise<void> = Promise.resolve();

  /** The files that the vendor could not process, by their messages. */
  readonly refusedFiles = new Map<string, RefusedFile[]>();

  private connections = 0;
  private readonly controller = new AbortController();
  private readonly reading = Promise.withResolvers<void>();
  private readonly opening = Promise.withResolvers<boolean>();

  constructor(
    readonly userId: string,
    readonly request: TurnRequest,
  ) {
    this.answerId = request.action.type === 'approve' ? request.action.messageId : randomUUID();
    this.readable = this.reading.promise;
    this.opened = this.opening.promise;
    // There may be no waiting reader. The failure is then in the stored message and the log.
    this.readable.catch(() => undefined);
  }

  get chatId(): string {
    return this.request.chatId;
  }

  /** Headers of the response that starts the turn: how much of its limit is left. */
  get headers(): Readonly<Record<string, string>> {
    return this.run?.admission?.headers ?? {};
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopReason(): TurnStop | undefined {
    return this.signal.aborted ? (this.signal.reason as TurnStopError).why : undefined;
  }

  /** True if no connection to this instance waits for the answer or reads it. */
  get isUnread(): boolean {
    return this.connections === 0;
  }

  /** A connection waits for the answer or reads it. @param left aborts when it does not any more */
  attend(left: AbortSignal): void {
    if (left.aborted) return this.onReaders();
    if (++this.connections === 1) this.onReaders();
    const leave = () => {
      if (--this.connections === 0) this.onReaders();
    };
    left.addEventListener('abort', leave, { once: true });
  }

  publish(unbounded: UIMessageChunk): void {
    const chunk = withinBounds(unbounded);
    this.answer.add(chunk);
    this.stream.publish(chunk);
    this.changed = true;
    if (this.stream.size > ANSWER_LIMIT.size) this.stop('too-long');
  }

  /** Only into the stored answer. */
  readonly note: Note = (part) => {
    this.answer.note(part);
    this.changed = true;
  };

  /** Files of earlier messages that the vendor could not process. The answer continues without them, and a notice names them. */
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

  /** Ends the content. Live and after a reload, no part looks unfinished. */
  endParts(): void {
    for (const chunk of this.answer.missingEnds()) this.publish(chunk);
  }

  /** The question and the empty answer are stored. */
  hasOpened(): void {
    this.phase = 'answering';
    this.opening.resolve(true);
  }

  /** From now on, readers get the stream. */
  letRead(): void {
    this.reading.resolve();
  }

  /** Readers that are still waiting get the error instead of a stream. */
  refuse(error: AppError): void {
    this.opening.resolve(false);
    this.reading.reject(error);
  }

  stop(why: TurnStop): void {
    if (!this.signal.aborted) this.controller.abort(new TurnStopError(why));
  }

  /** Whether `request` asks for exactly what this turn is doing. It is then a retry and joins the turn. */
  isSameAs(request: TurnRequest): boolean {
    const { action } = this.request;
    return action.type !== 'regenerate' && JSON.stringify(action) === JSON.stringify(request.action);
  }
}

/** For a token, only the text can be large. Other chunks contain JSON of a model or a tool server, of any depth and size. */
function withinBounds(chunk: UIMessageChunk): UIMessageChunk {
  if (chunk.type === 'text-delta' || chunk.type === 'reasoning-delta') {
    return chunk.providerMetadata === undefined
      ? chunk
      : { ...chunk, providerMetadata: bounded(chunk.providerMetadata) as typeof chunk.providerMetadata };
  }
  // A file or a picture is one long text. Only the size of the whole answer limits it.
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
