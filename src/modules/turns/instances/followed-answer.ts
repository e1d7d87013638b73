import type { UIMessage, UIMessageChunk } from 'ai';
import { isKnownContext } from '../../compaction/known-context.js';
import { shownMetadata } from '../../messages/shown-metadata.js';
import { endedParts } from '../../messages/shown-parts.js';
import { contextChunk } from '../answer-frame.js';
import { readParts } from '../stored-parts.js';
import { LiveStream } from '../stream-hub/live-stream.js';
import type { LogEntry } from '../stream-hub/redis-log.js';
import { DEFAULT_TITLE, type MessageStatus } from '../turn.types.js';
import { CheckpointReader, type Held } from './checkpoint-reader.js';
import type { FoundAnswer, StoredAnswer } from './followed-answers.repository.js';
import { ReplayedLog } from './replayed-log.js';

const DELETED = 'The answer was deleted while it was being generated.';
const FAILED = 'The answer could not be completed.';
/**
 * A checkpoint may be older than what a log has brought. After this time, it is believed: its instance may have lost the rest.
 * In milliseconds.
 */
const CATCHING_UP = 10_000;

/**
 * An answer that another instance is writing, or that has ended: its stream, made from the log that the instance writes to
 * Redis, or from what is stored. Each can continue the other. The log has every chunk; what is stored is the truth.
 */
export class FollowedAnswer {
  readonly stream = new LiveStream();
  version: string;
  private readonly found: FoundAnswer;
  /** Set while its checkpoints are followed. */
  private checkpoints?: CheckpointReader;
  /** Set while a log is read. If checkpoints are followed as well, the log has not caught up with them yet. */
  private log?: ReplayedLog;
  private title: string | null;
  private hasOpenDocument = false;
  private leftLogAt = Number.NEGATIVE_INFINITY;

  private parts: UIMessage['parts'];

  /**
   * Nothing is sent before `takeEntry` or `followCheckpoints`.
   *
   * @param held by a client that sends the answer back; its last step is sent anew
   */
  constructor(
    found: FoundAnswer,
    private readonly held?: Held,
  ) {
    this.found = found;
    this.parts = readParts(found.parts);
    this.title = found.title;
    this.version = found.version;
  }

  /** True while the stream comes from the log alone. */
  get followsLog(): boolean {
    return this.log !== undefined && !this.checkpoints;
  }

  /** Sends what was stored when the answer was found. @returns whether the answer has ended */
  followCheckpoints(): boolean {
    const { messageId, createdAt, metadata, model: found } = this.found;
    const model = metadata?.model ?? found ?? undefined;
    this.checkpoints = new CheckpointReader();
    this.stream.publish({
      type: 'start',
      messageId,
      messageMetadata: { createdAt: createdAt.toISOString(), ...(model === undefined ? {} : { model }) },
    });
    const { held } = this;
    if (held)
      this.publish([{ type: 'reset-step' }, ...this.checkpoints.skipTo(held, readParts(this.found.parts))]);
    return this.takeCheckpoint(this.found);
  }

  /**
   * Takes what the log has brought. A log begins with the first chunk.
   *
   * @returns whether the answer has ended
   * @throws CheckpointConflict if the log does not continue the checkpoints
   */
  takeEntry({ sequence, chunks, state }: LogEntry): boolean {
    if (sequence === 0) this.log = new ReplayedLog();
    const { log, checkpoints } = this;
    if (!log) return false;
    const shown = chunks.flatMap((chunk) => log.add(chunk) ?? []);
    if (!checkpoints) this.publish(shown);
    else if (state === 'live') {
      this.publish(log.continueFrom(checkpoints));
      this.checkpoints = undefined;
    }
    // After checkpoints, its end is read from what is stored.
    if (state !== 'ended' || checkpoints) return false;
    this.stream.finish();
    return true;
  }

  /** The rest comes from checkpoints. @returns whether the answer has ended */
  leaveLog(): boolean {
    const { log, checkpoints } = this;
    this.log = undefined;
    if (checkpoints) return false;
    if (!log) return this.followCheckpoints();
    this.checkpoints = log.toCheckpoints();
    this.hasOpenDocument = log.hasOpenDocument;
    this.leftLogAt = performance.now();
    return false;
  }

  /** @returns whether the answer has ended */
  takeCheckpoint(stored: StoredAnswer): boolean {
    const { checkpoints } = this;
    if (!checkpoints) return false;
    const { status, parts, title, version, isMarked } = stored;
    if (!status) return this.end({ type: 'error', errorText: DELETED });
    const isRunning = status === 'streaming' && isMarked;
    const known = parts === null ? undefined : readParts(parts);
    if (known && isRunning && performance.now() - this.leftLogAt < CATCHING_UP) {
      if (!checkpoints.isContinuedBy(known)) return false;
    }
    if (this.title === DEFAULT_TITLE && title !== null && title !== DEFAULT_TITLE)
      this.publish([{ type: 'data-chat-title', data: { title }, transient: true }]);
    this.version = version;
    if (known) this.parts = known;
    if (isRunning) {
      // Nothing is held back: the stream begins with the first part.
      if (known) this.publish(checkpoints.next(known));
      return false;
    }
    const shown = endedParts(this.parts, status === 'streaming' ? 'interrupted' : status);
    this.publish(checkpoints.next(shown, true));
    const last = lastChunks(stored, status);
    const isFinished = last.some(({ type }) => type === 'finish');
    if (isFinished) this.publish(checkpoints.finishStep());
    return this.end(...contextChunks(stored, this.found.messageId), ...last);
  }

  /** Its readers can ask again. */
  giveUp(errorText: string): void {
    this.end({ type: 'error', errorText });
  }

  private publish(chunks: UIMessageChunk[]): void {
    for (const chunk of chunks) {
      if (chunk.type === 'data-chat-title') this.title = (chunk.data as { title: string }).title;
      this.stream.publish(chunk);
    }
  }

  private end(...chunks: UIMessageChunk[]): true {
    if (this.hasOpenDocument) this.stream.publish({ type: 'data-finish', data: null, transient: true });
    this.publish(chunks);
    this.stream.finish();
    return true;
  }
}

/** A chat knows the context of its last answer. */
function contextChunks({ lastContext }: StoredAnswer, messageId: string): UIMessageChunk[] {
  if (!isKnownContext(lastContext) || lastContext.messageId !== messageId) return [];
  return [contextChunk(lastContext.promptTokens, lastContext)];
}

/** The same that the readers of the instance that wrote the answer were told. */
function lastChunks(
  { finishReason, metadata, createdAt }: StoredAnswer,
  status: MessageStatus,
): UIMessageChunk[] {
  const reason = finishReason ?? undefined;
  const messageMetadata = shownMetadata(metadata, { status, finishReason: reason, createdAt });
  const failure = metadata?.error?.message;
  if (status === 'complete' && failure === undefined)
    return [{ type: 'finish', finishReason: reason ?? 'stop', messageMetadata }];
  const last: UIMessageChunk =
    status === 'failed' || failure !== undefined
      ? { type: 'error', errorText: failure ?? FAILED }
      : { type: 'abort', reason: status === 'streaming' ? 'interrupted' : status };
  return [{ type: 'message-metadata', messageMetadata }, last];
}
