import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { UserDirectory } from '../../../common/auth/user-directory.js';
import { Database } from '../../../common/database/database.js';
import { forbidden } from '../../../common/errors/app-error.js';
import type { Download } from '../../../common/http/download.js';
import { toItems } from '../../../common/http/paging.js';
import { toMoney } from '../../../common/http/money.js';
import { type ArchivedUsageRow, UsageArchiveRepository } from './usage-archive.repository.js';
import { csvLine } from './csv-line.js';
import type { UsageLogDto } from './dto/usage-log.dto.js';
import type { UsageExportFormat, UsageExportQuery } from './dto/usage-logs.query.js';
import type { LogOrder, LogPlace } from './log-order.js';
import { isOfOwnKey, placeOf, toLog } from './usage-log.mapper.js';
import { toLogFilter } from './usage-logs.service.js';
import { type LogFilter, type LogRow, UsageLogsRepository } from './usage-logs.repository.js';

/** The number of rows in memory at a time, for any size of export. */
const ROWS_AT_ONCE = 1_000;
const OLDEST_FIRST: LogOrder = { field: 'requestTimestamp', isDescending: false };

/** The purged calls of one kind in a quarter hour. Tokens are integers, and costs are in USD. */
export interface PurgedUsage extends Pick<
  ArchivedUsageRow,
  'agentType' | 'provider' | 'modelUsed' | 'status'
> {
  quarterStart: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  inputCost: number;
  outputCost: number;
  totalCost: number;
  ownKeyCalls: number;
  ownKeyCost: number;
  unpricedCalls: number;
}

/**
 * Calls as downloads. They are read page by page, as fast as the client reads and only while it is connected, without
 * an open transaction or connection.
 */
@Injectable()
export class UsageExportService {
  constructor(
    private readonly database: Database,
    private readonly logs: UsageLogsRepository,
    private readonly archive: UsageArchiveRepository,
    private readonly directory: UserDirectory,
  ) {}

  /**
   * All calls that started before now, of one user or of all.
   *
   * @throws AppError 400 naming `to` or `chatId`; later failures end the download
   */
  async open(
    identity: Identity,
    query: UsageExportQuery & { userId?: string },
    now = new Date(),
  ): Promise<Download> {
    const filter = await toLogFilter(query, this.directory);
    // The export must end, although new calls are added all the time.
    const pages = this.pages(identity.id, { ...filter, to: filter.to && filter.to < now ? filter.to : now });
    const { format } = query;
    return {
      fileName: `usage-${now.toISOString().slice(0, 10)}.${format}`,
      type: TYPES[format],
      pieces: format === 'csv' ? toCsv(pages) : toNdjson(pages),
    };
  }

  /**
   * All calls of one user, oldest first, for this user.
   *
   * @throws AppError 401 or 403 if the user no longer exists or is no longer active
   */
  async *callsOf(userId: string): AsyncGenerator<UsageLogDto> {
    for await (const page of this.pages(userId, { userId })) yield* toItems(page, toLog, idOf);
  }

  /** The sums of purged calls, oldest first, in the same way. */
  async *purgedOf(userId: string): AsyncGenerator<PurgedUsage> {
    let after: ArchivedUsageRow | undefined;
    do {
      const reader = await this.directory.identify(userId);
      const rows = await this.database.readAsUser(reader, (statements) =>
        this.archive.find(statements, { userId, after, limit: ROWS_AT_ONCE }),
      );
      yield* toItems(rows, toPurged, ({ provider, modelUsed }) => `${provider}/${modelUsed}`);
      after = rows.length === ROWS_AT_ONCE ? rows.at(-1) : undefined;
    } while (after);
  }

  private async *pages(readerId: string, filter: LogFilter): AsyncGenerator<LogRow[]> {
    let after: LogPlace | undefined;
    let page: LogRow[];
    do {
      // A client can read slowly. A user who loses access meanwhile reads no further.
      const reader = await this.directory.identify(readerId);
      if (filter.userId !== reader.id && reader.role !== 'admin') throw forbidden();
      page = await this.database.readAsUser(
        reader,
        (statements) => this.logs.findPage(statements, filter, OLDEST_FIRST, { after, limit: ROWS_AT_ONCE }),
        { isReport: true },
      );
      const last = page.at(-1);
      if (last) after = placeOf(last, OLDEST_FIRST);
      yield page;
    } while (page.at(-1)?.hasMore);
  }
}

const TYPES: Record<UsageExportFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const COLUMNS = [
  'id',
  'userId',
  'chatId',
  'agentType',
  'modelUsed',
  'provider',
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'inputCost',
  'outputCost',
  'totalCost',
  'requestTimestamp',
  'responseTimestamp',
  'durationMs',
  'status',
] as const;

async function* toCsv(pages: AsyncIterable<LogRow[]>): AsyncGenerator<string> {
  yield csvLine([...COLUMNS, 'ownKey', 'metadata']);
  for await (const page of pages) {
    yield toItems(page, toLine, idOf).join('');
  }
}

async function* toNdjson(pages: AsyncIterable<LogRow[]>): AsyncGenerator<string> {
  for await (const page of pages)
    yield toItems(page, (row) => `${JSON.stringify(toLog(row))}\n`, idOf).join('');
}

function toPurged({
  quarterStart,
  agentType,
  provider,
  modelUsed,
  status,
  ...row
}: ArchivedUsageRow): PurgedUsage {
  return {
    quarterStart: quarterStart.toISOString(),
    agentType,
    provider,
    modelUsed,
    status,
    calls: Number(row.calls),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    totalTokens: Number(row.totalTokens),
    inputCost: toMoney(row.inputCost),
    outputCost: toMoney(row.outputCost),
    totalCost: toMoney(row.totalCost),
    ownKeyCalls: Number(row.ownKeyCalls),
    ownKeyCost: toMoney(row.ownKeyCost),
    unpricedCalls: Number(row.unpricedCalls),
  };
}

const idOf = ({ id }: LogRow) => id;

function toLine(row: LogRow): string {
  return csvLine([...COLUMNS.map((column) => toCell(row[column])), String(isOfOwnKey(row)), jsonOf(row)]);
}

function toCell(value: LogRow[(typeof COLUMNS)[number]]): string | number | null {
  return value instanceof Date ? value.toISOString() : value;
}

function jsonOf({ metadata }: LogRow): string | null {
  return metadata === null ? null : JSON.stringify(metadata);
}
