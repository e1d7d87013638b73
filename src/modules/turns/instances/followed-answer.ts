import type { UIMessageChunk } from 'ai';
import { shownMetadata } from '../../messages/shown-metadata.js';
import { readParts } from '../stored-parts.js';
import { LiveStream } from '../stream-hub/live-stream.js';
import { DEFAULT_TITLE, type MessageStatus } from '../turn.types.js';
import { CheckpointReader } from './checkpoint-reader.js';
import type { FoundAnswer, StoredAnswer } from './followed-answers.repository.js';

const DELETED = 'The answer was deleted while it was being generated.';
const FAILED = 'The answer could not be completed.';

/** An answer that another instance is writing, or that has ended: its stream, rebuilt from what is stored. */
export class FollowedAnswer {
  readonly stream = new LiveStream();
  version: string;
  private readonly checkpoints = new CheckpointReader();
  private title: string | null;

  constructor(found: FoundAnswer) {
    const { messageId, createdAt, metadata } = found;
    this.title = found.title;
    this.version = found.version;
    const model = metadata?.model ?? found.model ?? undefined;
    this.stream.publish({
      type: 'start',
      messageId,
      messageMetadata: { createdAt: createdAt.toISOString(), ...(model === undefined ? {} : { model }) },
    });
    this.take(found);
  }

  /** @returns whether the answer has ended */
  take(stored: StoredAnswer): boolean {
    const { status, parts, title, version, isMarked } = stored;
    if (!status) return this.end({ type: 'error', errorText: DELETED });
    if (this.title === DEFAULT_TITLE && title !== null && title !== DEFAULT_TITLE)
      this.stream.publish({ type: 'data-chat-title', data: { title }, transient: true });
    this.title = title;
    this.version = version;
    if (parts !== null)
      for (const chunk of this.checkpoints.next(readParts(parts))) this.stream.publish(chunk);
    if (status === 'streaming' && isMarked) return false;
    return this.end(...lastChunks(stored, status));
  }

  /** Its readers can ask again. */
  giveUp(errorText: string): void {
    this.end({ type: 'error', errorText });
  }

  private end(...chunks: UIMessageChunk[]): true {
    for (const chunk of chunks) this.stream.publish(chunk);
    this.stream.finish();
    return true;
  }
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
