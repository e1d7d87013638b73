import { toMoney } from '../../../common/http/money.js';
import type { UsageLogDto } from './dto/usage-log.dto.js';
import { toCursorTime } from '../../../common/http/cursor-time.js';
import type { LogOrder, LogPlace } from './log-order.js';
import type { LogRow } from './usage-logs.repository.js';

/** The format of the API: money as numbers, times in ISO 8601. */
export function toLog(row: LogRow): UsageLogDto {
  const { hasMore: _, metadata, ...log } = row;
  return {
    ...log,
    inputCost: toMoney(row.inputCost),
    outputCost: toMoney(row.outputCost),
    totalCost: toMoney(row.totalCost),
    requestTimestamp: row.requestTimestamp.toISOString(),
    responseTimestamp: row.responseTimestamp?.toISOString() ?? null,
    ownKey: isOfOwnKey(row),
    metadata,
  };
}

/** Whether the call used a key of its user. */
export function isOfOwnKey({ metadata }: Pick<LogRow, 'metadata'>): boolean {
  return metadata?.['ownKey'] === true;
}

/** The position of a row in an ordered list. */
export function placeOf(row: LogRow, { field, isDescending }: LogOrder): LogPlace {
  const { id } = row;
  if (field === 'requestTimestamp') {
    return { value: toCursorTime(row.requestTimestamp, isDescending ? 'descending' : 'ascending'), id };
  }
  return { value: String(row[field] ?? -1), id };
}
