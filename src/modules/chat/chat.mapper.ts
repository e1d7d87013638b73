import { toMoney } from '../../common/http/money.js';
import type { ChatRow } from './chats.repository.js';
import type { ChatDto } from './dto/chat.dto.js';

/** @param readerId the user who asks, on whom `isOwner` depends */
export function toChat(row: ChatRow, readerId: string): ChatDto {
  return {
    id: row.id,
    userId: row.userId,
    title: row.title,
    visibility: row.visibility,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    lastContext: row.lastContext,
    totalInputTokens: row.totalInputTokens,
    totalOutputTokens: row.totalOutputTokens,
    totalCost: toMoney(row.totalCost),
    isOwner: row.userId === readerId,
    isStreaming: row.isStreaming,
  };
}
