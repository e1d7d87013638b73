import { mergePatch } from './merge-patch.js';

/** The examples of RFC 7396, appendix A. */
const EXAMPLES: Array<[target: unknown, patch: unknown, result: unknown]> = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

describe('mergePatch', () => {
  it.each(EXAMPLES)('applied to %j with %j gives %j', (target, patch, result) => {
    const [targetBefore, patchBefore] = [structuredClone(target), structuredClone(patch)];
    expect(mergePatch(target, patch)).toEqual(result);
    expect([target, patch]).toEqual([targetBefore, patchBefore]);
  });

  it('treats prototype names as ordinary names', () => {
    const merged = mergePatch({}, JSON.parse('{"constructor": {"__proto__": 1}, "toString": 2}'));
    expect(JSON.stringify(merged)).toBe('{"constructor":{"__proto__":1},"toString":2}');
  });
});
