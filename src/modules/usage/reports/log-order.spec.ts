import { randomUUID } from 'node:crypto';
import {
  decodeLogCursor,
  encodeLogCursor,
  isLogOrder,
  LOG_FIELDS,
  type LogField,
  parseLogOrder,
} from './log-order.js';

const id = randomUUID();
const raw = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');

describe('the order of logs', () => {
  it('can be written in two ways', () => {
    for (const field of LOG_FIELDS) {
      expect(parseLogOrder(field)).toEqual({ field, isDescending: false });
      expect(parseLogOrder(`${field}:asc`)).toEqual({ field, isDescending: false });
      expect(parseLogOrder(`-${field}`)).toEqual({ field, isDescending: true });
      expect(parseLogOrder(`${field}:desc`)).toEqual({ field, isDescending: true });
    }
  });

  it.each([
    '',
    '-',
    'id',
    'metadata',
    '-totalCost:desc',
    'totalCost:DESC',
    'totalcost',
    'totalCost,id',
    ['status'],
  ])('is not %j', (text) => expect(isLogOrder(text)).toBe(false));
});

describe('a cursor of logs', () => {
  const order = (field: LogField, isDescending = false) => ({ field, isDescending });

  it.each([
    ['requestTimestamp', '1970-01-01T00:00:00.000Z'],
    ['modelUsed', 'modèle 🌱 "x" | y'],
    ['durationMs', '-1'],
    ['totalTokens', '2147483647'],
    ['totalCost', '9999.999999'],
    ['status', ''],
  ] as const)('encodes a position in the order of %s', (field, value) => {
    const cursor = encodeLogCursor(order(field), { value, id });
    expect(decodeLogCursor(order(field), cursor)).toEqual({ value, id });
    expect(() => decodeLogCursor(order(field, true), cursor)).toThrow('cursor: belongs to a different sort');
  });

  it.each([
    ['totalCost', ['totalCost', '1', id]],
    ['totalCost', ['totalCost', 'NaN', id]],
    ['totalTokens', ['totalTokens', '1.5', id]],
    ['totalTokens', ['totalTokens', 5, id]],
    ['totalTokens', ['totalTokens', '5', 'x']],
    ['totalTokens', ['totalTokens', '5', id, 1]],
    ['requestTimestamp', ['requestTimestamp', '2026-02-30T25:00:00.000Z', id]],
    ['modelUsed', ['modelUsed', 'a\0b', id]],
    ['modelUsed', ['modelUsed', '\ud800', id]],
    ['modelUsed', ['modelUsed', 'x'.repeat(201), id]],
    ['modelUsed', { value: 'x', id }],
    ['modelUsed', []],
  ] as const)('of %s is not made of %j', (field, parts) => {
    expect(() => decodeLogCursor(order(field), raw(parts))).toThrow(/^cursor: is not a cursor/);
  });

  it('is no other text', () => {
    for (const cursor of ['x', 'null', '!!', raw('x')])
      expect(() => decodeLogCursor(order('status'), cursor)).toThrow(/^cursor: /);
    expect(decodeLogCursor(order('status'), '')).toBeUndefined();
  });
});
