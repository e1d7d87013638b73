import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { UserDirectory } from '../../../common/auth/user-directory.js';
import { Database } from '../../../common/database/database.js';
import { forbidden } from '../../../common/errors/app-error.js';
import { attachment } from '../../../common/http/content-disposition.js';
import { csvLine } from './csv-line.js';
import type { UsageExportFormat, UsageExportQuery } from './dto/usage-logs.query.js';
import type { LogOrder, LogPlace } from './log-order.js';
import { placeOf, toLog } from './usage-log.mapper.js';
import { toLogFilter } from './usage-logs.service.js';
import { type LogFilter, type LogRow, UsageLogsRepository } from './usage-logs.repository.js';

/** So many are in memory at a time, whatever the export's size. */
const ROWS_AT_ONCE = 1_000;
const OLDEST_FIRST: LogOrder = { field: 'requestTimestamp', isDescending: false };

export interface UsageExport {
  /** Bytes of UTF-8. */
  content: Readable;
  /** Content-Type. */
  type: string;
  /** Content-Disposition. */
  disposition: string;
}

/**
 * Calls as downloads. They are read page by page, as fast as the client takes them and no longer than it is there: no
 * transaction and no connection waits for it.
 */
@Injectable()
export class UsageExportService {
  constructor(
    private readonly database: Database,
    private readonly logs: UsageLogsRepository,
    private readonly directory: UserDirectory,
  ) {}

  /**
   * All calls that began before now, of one user or of all.
   *
   * @throws AppError 400 naming `to` or `chatId`; later failures break the download off
   */
  open(identity: Identity, query: UsageExportQuery & { userId?: string }, now = new Date()): UsageExport {
    const filter = toLogFilter(query);
    // It has to come to an end, though there are new calls all the time.
    const pages = this.pages(identity, { ...filter, to: filter.to && filter.to < now ? filter.to : now });
    const { format } = query;
    return {
      content: Readable.from(format === 'csv' ? toCsv(pages) : toNdjson(pages), { objectMode: false }),
      type: TYPES[format],
      disposition: attachment(`usage-${now.toISOString().slice(0, 10)}.${format}`),
    };
  }

  private async *pages(identity: Identity, filter: LogFilter): AsyncGenerator<LogRow[]> {
    let after: LogPlace | undefined;
    let page: LogRow[];
    do {
      // A client can take its time; who loses a right meanwhile reads no further.
      const reader = await this.directory.identify(identity.id);
      if (filter.userId !== reader.id && reader.role !== 'admin') throw forbidden();
      page = await this.database.readAsUser(
        reader,
        (statements) => this.logs.findPage(statements, filter, OLDEST_FIRST, { after, limit: ROWS_AT_ONCE }),
        { isReport: true },
      );
      const last = page.at(-1);
      if (last) after = placeOf(last, OLDEST_FIRST.field);
      yield page;
    } while (page.length === ROWS_AT_ONCE);
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
  yield csvLine([...COLUMNS, 'metadata']);
  for await (const page of pages) {
    yield page.map((row) => csvLine([...COLUMNS.map((column) => toCell(row[column])), jsonOf(row)])).join('');
  }
}

async function* toNdjson(pages: AsyncIterable<LogRow[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((row) => `${JSON.stringify(toLog(row))}\n`).join('');
}

function toCell(value: LogRow[(typeof COLUMNS)[number]]): string | number | null {
  return value instanceof Date ? value.toISOString() : value;
}

function jsonOf({ metadata }: LogRow): string | null {
  return metadata === null ? null : JSON.stringify(metadata);
}
