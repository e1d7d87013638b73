import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { UserDirectory } from '../../../common/auth/user-directory.js';
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

/** Single calls. `userId` filters by user. Without it, calls of all users are included. */
@Injectable()
export class UsageLogsService {
  constructor(
    private readonly database: Database,
    private readonly logs: UsageLogsRepository,
    private readonly directory: UserDirectory,
  ) {}

  /** @throws AppError 400 naming `to`, `chatId` or `cursor` */
  async list(identity: Identity, query: UsageLogsQuery & { userId?: string }): Promise<Page<UsageLogDto>> {
    const order = parseLogOrder(query.sort);
    const filter = await toLogFilter(query, this.directory);
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
export async function toLogFilter(
  query: UsageLogFilterQuery & { userId?: string },
  directory: UserDirectory,
): Promise<LogFilter> {
  const { userId, agentType, model, provider, status } = query;
  const { from, to } = boundsOf(query);
  const limits: LogFilter['limits'] = {};
  for (const field of LIMITED_FIELDS) {
    const name = `${field[0]!.toUpperCase()}${field.slice(1)}` as Capitalize<typeof field>;
    limits[field] = { minimum: query[`min${name}`], maximum: query[`max${name}`] };
  }
  return {
    userId,
    from,
    to,
    agentType,
    model,
    provider,
    status,
    chatId: await toChatId(query, directory),
    limits,
  };
}

/** Clients choose the names of chats, so the owner must be known. */
async function toChatId(
  { chatId, userId }: { chatId?: string; userId?: string },
  directory: UserDirectory,
): Promise<string | undefined> {
  if (chatId === undefined || isUuid(chatId)) return chatId?.toLowerCase();
  if (userId === undefined)
    throw invalidField('chatId', 'must be a UUID, or send userId for the owner of the chat');
  // A deleted user has no chats, so a random namespace is used.
  return toStoredId((await directory.idNamespaceOf(userId)) ?? randomUUID(), chatId, 'chatId');
}
