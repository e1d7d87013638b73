import { toMoney } from '../../common/http/money.js';
import { isKnownContext } from '../compaction/known-context.js';
import type { ChatMetadataRow, ChatRow, ReadableChatRow } from './chats.repository.js';
import type { ChatMetadataDto } from './dto/admin-chats.dto.js';
import type { ChatContextDto, ChatDto, ChatWithContextDto } from './dto/chat.dto.js';

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

/** Only the owner can see what a chat has cost. */
const NO_FIGURES = { totalInputTokens: null, totalOutputTokens: null, totalCost: null };

/** @param readerId the current user, for `isOwner` */
export function toChat(row: ChatRow, readerId: string): ChatDto {
  const isOwner = row.userId === readerId;
  return {
    ...toChatMetadata(row),
    ...(isOwner ? {} : NO_FIGURES),
    lastContext: isOwner ? toObject(row.lastContext) : null,
    isOwner,
    isStreaming: row.isStreaming,
  };
}

/** @param readerId the current user; only the owner sees the context */
export function toChatWithContext(row: ReadableChatRow, readerId: string): ChatWithContextDto {
  return { ...toChat(row, readerId), context: row.userId === readerId ? toContext(row) : null };
}

/** The figures of the last answer, or, if a summary was written since then, an estimate of the next prompt. */
function toContext({
  lastContext,
  summarizedThrough,
  contextTokens,
}: ReadableChatRow): ChatContextDto | null {
  const last = isKnownContext(lastContext) ? lastContext : undefined;
  if (!last && contextTokens === null) return null;
  const isOlder = contextTokens !== null && last?.summarizedThrough !== summarizedThrough;
  return {
    inputTokens: last && !isOlder ? last.promptTokens : (contextTokens ?? 0),
    contextWindow: last?.contextWindow ?? null,
    summarizedThrough,
  };
}

/** Users can write any JSON to this column, past this server. */
function toObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown> | null)
    : null;
}
