import { toMoney } from '../../common/http/money.js';
import type { MessageDto } from './dto/message.dto.js';
import { shownMetadata } from './shown-metadata.js';
import type { MessageRow } from './messages.repository.js';

/** @param isOwner whether the reader is told what it has cost: that is its owner's business */
export function toMessage(row: MessageRow, isOwner: boolean): MessageDto {
  return {
    id: row.id,
    chatId: row.chatId,
    role: row.role,
    parts: toArray(row.parts),
    attachments: toArray(row.attachments),
    createdAt: row.createdAt.toISOString(),
    modelUsed: row.modelUsed,
    inputTokens: isOwner ? row.inputTokens : null,
    outputTokens: isOwner ? row.outputTokens : null,
    cost: isOwner ? toMoney(row.cost) : null,
    status: row.status,
    finishReason: row.finishReason,
    metadata: metadataOf(row),
  };
}

/** Of an answer that is still being written, its stream tells more. */
function metadataOf(row: MessageRow): Record<string, unknown> | null {
  const metadata = toObject(row.metadata);
  return row.role === 'assistant' && row.status !== 'streaming' ? shownMetadata(metadata, row) : metadata;
}

/** The columns hold any JSON; clients rely on a list of objects. */
function toArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value.filter((item) => toObject(item) !== null) : [];
}

function toObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown> | null)
    : null;
}
