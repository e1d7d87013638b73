import { toMoney } from '../../common/http/money.js';
import type { MessageDto } from './dto/message.dto.js';
import { shownMetadata } from './shown-metadata.js';
import { shownParts } from './shown-parts.js';
import type { MessageRow } from './messages.repository.js';

/** @param isOwner whether the reader is the owner; only the owner can see costs */
export function toMessage(row: MessageRow, isOwner: boolean): MessageDto {
  return {
    id: row.id,
    chatId: row.chatId,
    role: row.role,
    parts: partsOf(row),
    attachments: toArray(row.attachments),
    createdAt: row.createdAt.toISOString(),
    modelUsed: row.modelUsed,
    inputTokens: isOwner ? row.inputTokens : null,
    outputTokens: isOwner ? row.outputTokens : null,
    cost: isOwner ? toMoney(row.cost) : null,
    status: row.status,
    finishReason: row.finishReason,
    ...withMetadata(row),
  };
}

function partsOf({ role, parts, status }: MessageRow): unknown[] {
  const stored = toArray(parts);
  return role === 'assistant' ? shownParts(stored, status) : stored;
}

/**
 * A `UIMessage` has an object or nothing, never null. While an answer is being generated, its stream has its metadata.
 */
function withMetadata(row: MessageRow): Pick<MessageDto, 'metadata'> {
  const stored = toObject(row.metadata);
  const isEnded = row.role === 'assistant' && row.status !== 'streaming';
  const metadata = isEnded ? shownMetadata(stored, row) : stored;
  return metadata === null ? {} : { metadata };
}

/** The columns can hold any JSON, but clients expect a list of objects. */
function toArray(value: unknown): object[] {
  return Array.isArray(value) ? value.filter((item): item is object => toObject(item) !== null) : [];
}

function toObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown> | null)
    : null;
}
