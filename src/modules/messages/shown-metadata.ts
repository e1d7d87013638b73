import type { FinishReason } from '../models/ending.js';
import type { MessageStatus } from './dto/message.dto.js';

/** The metadata of an answer that clients see, the same live and after a reload. */
export function shownMetadata(
  metadata: object | null,
  answer: { status: MessageStatus; finishReason?: FinishReason | null; createdAt: Date },
): Record<string, unknown> {
  const { status, finishReason, createdAt } = answer;
  return {
    ...metadata,
    ...(finishReason ? { finishReason } : {}),
    status,
    createdAt: createdAt.toISOString(),
  };
}
