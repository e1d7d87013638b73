import { invalidField } from '../../../common/errors/app-error.js';
import { isUuid } from '../../../common/http/client-id.js';
import { isCursorTime } from '../../../common/http/cursor-time.js';

/** The columns that rows of `usage_logs` can be ordered by. */
const FIELDS = {
  requestTimestamp: 'time',
  agentType: 'text',
  modelUsed: 'text',
  provider: 'text',
  inputTokens: 'integer',
  outputTokens: 'integer',
  totalTokens: 'integer',
  inputCost: 'money',
  outputCost: 'money',
  totalCost: 'money',
  durationMs: 'integer',
  status: 'text',
} as const;

export type LogField = keyof typeof FIELDS;
export const LOG_FIELDS = Object.keys(FIELDS) as LogField[];

export interface LogOrder {
  field: LogField;
  isDescending: boolean;
}

/** The position of a row in a list with a given order: its sort value as text, and its id. */
export interface LogPlace {
  value: string;
  id: string;
}

const ORDER = new RegExp(`^(?:(-?)(${LOG_FIELDS.join('|')})|(${LOG_FIELDS.join('|')}):(asc|desc))$`);

/** No model, provider or status is longer. */
const MAX_TEXT_LENGTH = 200;

const IS_VALUE: Record<(typeof FIELDS)[LogField], (value: string) => boolean> = {
  text: (value) => value.length <= MAX_TEXT_LENGTH && value.isWellFormed() && !value.includes('\0'),
  integer: (value) => /^-?\d{1,10}$/.test(value),
  money: (value) => /^\d{1,4}\.\d{6}$/.test(value),
  time: isCursorTime,
};

export function isLogOrder(value: unknown): value is string {
  return typeof value === 'string' && ORDER.test(value);
}

/** `-totalCost` and `totalCost:desc` are the same: both sort the highest first. */
export function parseLogOrder(text: string): LogOrder {
  const [, minus, field, named, direction] = ORDER.exec(text) ?? [];
  return { field: (field ?? named) as LogField, isDescending: minus === '-' || direction === 'desc' };
}

/** A cursor includes its order, because its position has no meaning in another order. */
export function encodeLogCursor(order: LogOrder, { value, id }: LogPlace): string {
  return Buffer.from(JSON.stringify([nameOf(order), value, id])).toString('base64url');
}

/** @throws AppError 400 naming `cursor` if it is not valid for this order */
export function decodeLogCursor(order: LogOrder, cursor: string | undefined): LogPlace | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [name, value, id, ...rest] = partsOf(cursor);
  if (isLogOrder(name) && name !== nameOf(order)) throw invalidField('cursor', 'belongs to a different sort');
  const isCursorTime = typeof value === 'string' && typeof id === 'string' && rest.length === 0;
  if (!isCursorTime || name !== nameOf(order) || !IS_VALUE[FIELDS[order.field]](value) || !isUuid(id)) {
    throw invalidField('cursor', 'is not a cursor of this list');
  }
  return { value, id };
}

function nameOf({ field, isDescending }: LogOrder): string {
  return isDescending ? `-${field}` : field;
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
