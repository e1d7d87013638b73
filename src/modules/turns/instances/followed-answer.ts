import type { UIMessage, UIMessageChunk } from 'ai';
import { shownMetadata } from '../../messages/shown-metadata.js';
import { endsWithCalls, shownParts } from '../../messages/shown-parts.js';
import { readParts } from '../stored-parts.js';
import { LiveStream } from '../stream-hub/live-stream.js';
import { DEFAULT_TITLE, type MessageStatus } from '../turn.types.js';
import { CheckpointReader, type Held } from './checkpoint-reader.js';
import type { FoundAnswer, StoredAnswer } from './followed-answers.repository.js';

const DELETED = 'The answer was deleted while it was being generated.';
const FAILED = 'The answer could not be completed.';

/** An answer that another instance is writing, or that has ended: its stream, rebuilt from what is stored. */
export class FollowedAnswer {
  readonly stream = new LiveStream();
  version: string;
  private readonly checkpoints = new CheckpointReader();
  private title: string | null;

  private parts: UIMessage['parts'] = [];

  /** @param held by a client that sends the answer back; its last step is sent anew */
  constructor(found: FoundAnswer, held?: Held) {
    const { messageId, createdAt, metadata } = found;
    this.title = found.title;
    this.version = found.version;
    const model = metadata?.model ?? found.model ?? undefined;
    this.stream.publish({
      type: 'start',
      messageId,
      messageMetadata: { createdAt: createdAt.toISOString(), ...(model === undefined ? {} : { model }) },
    });
    if (held) {
      this.stream.publish({ type: 'reset-step' });
      for (const chunk of this.checkpoints.skipTo(held, readParts(found.parts))) this.stream.publish(chunk);
    }
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
    if (parts !== null) this.parts = readParts(parts);
    if (status === 'streaming' && isMarked) {
      // Nothing is held back: the stream begins with the first part.
      if (parts !== null) this.publishUpTo(this.parts, false);
      return false;
    }
    const shown = shownParts(this.parts, status === 'streaming' ? 'interrupted' : status);
    // Its instance could not end its last step.
    if (endsWithCalls(shown)) shown.push({ type: 'step-start' });
    this.publishUpTo(shown, true);
    return this.end(...lastChunks(stored, status));
  }

  /** Its readers can ask again. */
  giveUp(errorText: string): void {
    this.end({ type: 'error', errorText });
  }

  private publishUpTo(parts: UIMessage['parts'], hasEnded: boolean): void {
    for (const chunk of this.checkpoints.next(parts, hasEnded)) this.stream.publish(chunk);
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
