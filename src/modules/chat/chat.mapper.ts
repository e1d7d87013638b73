import { toMoney } from '../../common/http/money.js';
import type { ChatMetadataRow, ChatRow } from './chats.repository.js';
import type { ChatMetadataDto } from './dto/admin-chats.dto.js';
import type { ChatDto } from './dto/chat.dto.js';

export function toChatMetadata(row: ChatMetadataRow): ChatMetadataDto {
  return {
    id: row.id,
    userId: row.userId,
    title: row.title,
    visibility: row.visibility,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    totalInputTokens: row.totalInputTokens,
    totalOutputTokens: row.totalOutputTokens,
    totalCost: toMoney(row.totalCost),
  };
}

/** @param readerId the user who asks, on whom `isOwner` depends */
export function toChat(row: ChatRow, readerId: string): ChatDto {
  return {
    ...toChatMetadata(row),
    lastContext: row.lastContext,
    isOwner: row.userId === readerId,
    isStreaming: row.isStreaming,
  };
}
