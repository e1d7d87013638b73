import { toMoney } from '../../../common/http/money.js';
import type { UsageLogDto } from './dto/usage-log.dto.js';
import type { LogField, LogPlace } from './log-order.js';
import type { LogRow } from './usage-logs.repository.js';

/** As the API shows it: money as numbers, times as ISO 8601. */
export function toLog(row: LogRow): UsageLogDto {
  return {
    ...row,
    inputCost: toMoney(row.inputCost),
    outputCost: toMoney(row.outputCost),
    totalCost: toMoney(row.totalCost),
    requestTimestamp: row.requestTimestamp.toISOString(),
    responseTimestamp: row.responseTimestamp?.toISOString() ?? null,
  };
}

/** The place of a row among rows that are ordered by a field. */
export function placeOf(row: LogRow, field: LogField): LogPlace {
  const value = row[field] ?? -1;
  return { value: value instanceof Date ? value.toISOString() : String(value), id: row.id };
}
