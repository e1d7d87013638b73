import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { Database } from '../../../common/database/database.js';
import { invalidField } from '../../../common/errors/app-error.js';
import { isUuid, toStoredId } from '../../../common/http/client-id.js';
import { type Page, toPageBy } from '../../../common/http/paging.js';
import type { UsageLogDto } from './dto/usage-log.dto.js';
import type { UsageLogFilterQuery, UsageLogsQuery } from './dto/usage-logs.query.js';
import { decodeLogCursor, encodeLogCursor, parseLogOrder } from './log-order.js';
import { boundsOf } from './period.js';
import { placeOf, toLog } from './usage-log.mapper.js';
import { LIMITED_FIELDS, type LogFilter, UsageLogsRepository } from './usage-logs.repository.js';

/** Single calls; `userId` says whose are meant, and is left out where they are everybody's. */
@Injectable()
export class UsageLogsService {
  constructor(
    private readonly database: Database,
    private readonly logs: UsageLogsRepository,
  ) {}

  /** @throws AppError 400 naming `to`, `chatId` or `cursor` */
  async list(identity: Identity, query: UsageLogsQuery & { userId?: string }): Promise<Page<UsageLogDto>> {
    const order = parseLogOrder(query.sort);
    const filter = toLogFilter(query);
    const after = decodeLogCursor(order, query.cursor);
    const { limit } = query;
    const rows = await this.database.readAsUser(
      identity,
      (statements) => this.logs.findPage(statements, filter, order, { after, limit }),
      { isReport: true },
    );
    return toPageBy(
      rows,
      limit,
      (row) => encodeLogCursor(order, placeOf(row, order)),
      toLog,
      ({ id }) => id,
    );
  }
}

/** @throws AppError 400 naming `to` or `chatId` */
export function toLogFilter(query: UsageLogFilterQuery & { userId?: string }): LogFilter {
  const { userId, agentType, model, provider, status } = query;
  const { from, to } = boundsOf(query);
  const limits: LogFilter['limits'] = {};
  for (const field of LIMITED_FIELDS) {
    const name = `${field[0]!.toUpperCase()}${field.slice(1)}` as Capitalize<typeof field>;
    limits[field] = { minimum: query[`min${name}`], maximum: query[`max${name}`] };
  }
  return { userId, from, to, agentType, model, provider, status, chatId: toChatId(query), limits };
}

/** Clients name chats as they like; whose name it is must be known. */
function toChatId({ chatId, userId }: { chatId?: string; userId?: string }): string | undefined {
  if (chatId === undefined) return undefined;
  if (userId !== undefined) return toStoredId(userId, chatId, 'chatId');
  if (!isUuid(chatId)) throw invalidField('chatId', 'must be a UUID, unless userId says whose chat it is');
  return chatId;
}
