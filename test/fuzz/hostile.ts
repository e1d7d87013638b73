import fc from 'fast-check';

/** Input that careful code has forgotten before. */
const TEXTS = [
  '',
  ' ',
  '\t\r\n',
  'null',
  'undefined',
  'true',
  '0',
  '-1',
  '1e999',
  'NaN',
  '-Infinity',
  '0x7f',
  '9223372036854775808',
  '2147483648',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff tail',
  '\ufeff',
  '\ufffe\uffff',
  '\u202egnp.exe',
  'שלום \u200f עולם',
  'Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}',
  'İıſß',
  '\u2028\u2029',
  '\u001b[31m\u0007',
  "' or 1=1 --",
  '"; drop table chat; --',
  '$1',
  '$$',
  '%',
  '_',
  '\\',
  '\\\\%_',
  '%s%n%d',
  '${7*7}{{7*7}}',
  '(a+)+$',
  '[',
  '*',
  '.*',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '%2e%2e%2f',
  '%00',
  '%',
  '%zz',
  'file:///etc/passwd',
  'http://127.0.0.1/',
  'data:text/html,<script>',
  '<script>alert(1)</script>',
  '=1+1',
  'x\r\nset-cookie: a=b',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '[object Object]',
  'x'.repeat(129),
  'x'.repeat(2_049),
  'x'.repeat(10_000),
  '\u{1f600}'.repeat(300),
  '\u0301'.repeat(2_000),
];

/** Values in the form of UUIDs, or almost, with versions that do not exist. */
const IDS = [
  '00000000-0000-0000-0000-000000000000',
  '00000000-0000-0000-0000-000000000001',
  'ffffffff-ffff-ffff-ffff-fffffffffffe',
  '11111111-1111-f111-1111-111111111111',
  '3F0C9D5E-1A2B-4C3D-8E4F-5A6B7C8D9E0F',
  '{3f0c9d5e-1a2b-4c3d-8e4f-5a6b7c8d9e0f}',
  '3f0c9d5e1a2b4c3d8e4f5a6b7c8d9e0f',
  'a',
];

const TIMES = [
  '0000-01-01T00:00:00.000Z',
  '0001-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00.000Z',
  '2026-01-01T24:00:00.000Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00.123456789Z',
  '2026-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999Z',
  '+010000-01-01T00:00:00.000Z',
  '+275760-09-13T00:00:00.000Z',
  '294276-12-31T23:59:59Z',
  'infinity',
  '-infinity',
  'now',
  '2026-W01-1',
  '20260101',
];

const NUMBERS = [
  0,
  -0,
  -1,
  0.1,
  1e-7,
  1.5,
  100,
  101,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  1e21,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
];

const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
};

/** Created when they are used, because some are large. */
const STRUCTURES: Array<() => unknown> = [
  () => null,
  () => [],
  () => ({}),
  () => [[]],
  () => [null],
  () => [{}, {}, {}],
  () => nested(70, (inner) => [inner]),
  () => nested(70, (inner) => ({ a: inner })),
  () => nested(2_000, (inner) => [inner]),
  () => nested(2_000, (inner) => ({ a: inner })),
  () => JSON.parse('{"__proto__": {"role": "admin"}}') as unknown,
  () => ({ constructor: { prototype: { role: 'admin' } } }),
  () => ({ toString: 1, valueOf: null, hasOwnProperty: 'x', toJSON: 'y', then: true }),
  () => ({ length: 1e9, 0: 'x' }),
  () => ({ '': '', ' ': null, 'a.b': 1, 'a[0]': 2, $where: '1' }),
  () => ({ '\ud800': 1 }),
  () => ({ '\u0000': 1 }),
  () => Array.from({ length: 2_000 }, () => ({})),
  () => Array.from({ length: 500 }, (_, index) => index),
  () => Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key${index}`, index])),
];

/** Many keys and items: too many for a typical request. */
const WIDE: Array<() => unknown> = [
  () => Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, {}])),
  () => Array.from({ length: 100_000 }, () => ({})),
  () => 'x'.repeat(1_000_000),
  () => 'a '.repeat(200_000),
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.constantFrom(...TIMES) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
);

export const hostileId: fc.Arbitrary<string> = fc.constantFrom(...IDS);

export const hostileTime: fc.Arbitrary<string> = fc.constantFrom(...TIMES);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Any JSON in a place for another kind of JSON. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: hostileText },
  { weight: 4, arbitrary: hostileNumber },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 6, arbitrary: fc.constantFrom(...STRUCTURES).map((make) => make()) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** Rare, because each of them is hundreds of kilobytes. */
export const wideValue: fc.Arbitrary<unknown> = fc.constantFrom(...WIDE).map((make) => make());

/** Bodies that are not JSON, or JSON that no program would write. */
export const brokenBody: fc.Arbitrary<string> = fc.constantFrom(
  '',
  ' ',
  'null',
  'true',
  '1',
  '1e400',
  '-',
  '"text"',
  '[]',
  '{}',
  '{',
  '{"a":',
  '{"a":1,}',
  "{'a':1}",
  '{"id":"a","id":"b"}',
  '{"title":"a","title":["b"]}',
  '\ufeff{}',
  '{"a":NaN}',
  '{"a":1}{"b":2}',
  '{"a":"\\ud800"}',
  '{"a":"\\u0000"}',
  '{"__proto__":{"isAdmin":true}}',
  '{"a":{"constructor":{"prototype":{}}}}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`,
  `{"a":${'9'.repeat(5_000)}}`,
  'a=b&c=d',
  '<a/>',
);

/** Values of Content-Type. Undefined sends none. */
export const contentTypes: fc.Arbitrary<string | undefined> = fc.constantFrom(
  undefined,
  '',
  'text/plain',
  'text/html',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/json; charset=utf-16',
  'application/json;charset=',
  'APPLICATION/JSON',
  'application/json, text/plain',
  'application/merge-patch+json',
  'application/vnd.api+json',
  'json',
  '/',
);
