import { toMoney } from '../../common/http/money.js';
import type { MessageDto } from './dto/message.dto.js';
import type { MessageRow } from './messages.repository.js';

export function toMessage(row: MessageRow): MessageDto {
  return {
    id: row.id,
    chatId: row.chatId,
    role: row.role,
    parts: toArray(row.parts),
    attachments: toArray(row.attachments),
    createdAt: row.createdAt.toISOString(),
    modelUsed: row.modelUsed,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cost: toMoney(row.cost),
    status: row.status,
    metadata: row.metadata,
  };
}

/** The columns hold any JSON; clients rely on a list. */
function toArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
