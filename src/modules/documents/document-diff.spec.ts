import { applyPatch } from 'diff';
import fc from 'fast-check';
import { compare } from './document-diff.js';

const diff = (from: string, to: string) =>
  compare({ name: 'doc', version: 'A', content: from }, { name: 'doc', version: 'B', content: to });

const numbered = (count: number, word: string) =>
  Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join('');

describe('compare', () => {
  it('lists removed and added lines with three lines of context', () => {
    expect(diff('1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\n2\n3\n4\nfive\n6\n7\n8\n9\n')).toEqual({
      unified: '--- doc\tA\n+++ doc\tB\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
      hunks: [
        {
          oldStart: 2,
          oldLines: 7,
          newStart: 2,
          newLines: 7,
          lines: [' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8'],
        },
      ],
    });
  });

  it('makes several hunks of differences that are far apart', () => {
    const to = numbered(40, 'line').replace('line 3\n', '').replace('line 30\n', 'line 30\nnew\n');
    const { hunks } = diff(numbered(40, 'line'), to);
    expect(hunks.map(({ oldStart, newStart }) => [oldStart, newStart])).toEqual([
      [1, 1],
      [29, 28],
    ]);
  });

  it.each<[string, string, string, string[]]>([
    ['only the new text', 'a\n', 'a', ['-a', '+a', '\\ No newline at end of file']],
    ['only the old text', 'a', 'a\n', ['-a', '\\ No newline at end of file', '+a']],
    ['both', 'a', 'b', ['-a', '\\ No newline at end of file', '+b', '\\ No newline at end of file']],
    ['both, unchanged', 'x\na', 'y\na', ['-x', '+y', ' a', '\\ No newline at end of file']],
  ])('marks a missing line break at the end of %s', (_, from, to, lines) => {
    const { hunks, unified } = diff(from, to);
    expect(hunks[0]?.lines).toEqual(lines);
    expect(unified.split('\n').slice(3, -1)).toEqual(lines);
  });

  it.each<[string, string, string, number[]]>([
    ['into an empty text', '', 'a\nb\n', [0, 0, 1, 2]],
    ['until a text is empty', 'a\nb\n', '', [1, 2, 0, 0]],
  ])('counts lines as the unified format does, %s', (_, from, to, counts) => {
    const { hunks, unified } = diff(from, to);
    const [oldStart, oldLines, newStart, newLines] = counts;
    expect(hunks).toEqual([expect.objectContaining({ oldStart, oldLines, newStart, newLines })]);
    expect(unified).toContain(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`);
  });

  it('keeps carriage returns, and other line separators inside lines', () => {
    expect(diff('a\r\nb\u2028c\n', 'a\nb\u2028c\n').hunks[0]?.lines).toEqual(['-a\r', '+a', ' b\u2028c']);
  });

  it('compares with nothing before the first version', () => {
    expect(
      compare({ name: 'doc', content: '' }, { name: 'doc', version: 'B', content: 'שלום 🌱' }).unified,
    ).toBe('--- /dev/null\n+++ doc\tB\n@@ -0,0 +1,1 @@\n+שלום 🌱\n\\ No newline at end of file\n');
  });

  it('is empty without differences', () => {
    for (const text of ['', '\n', 'a', 'a\r\nb'])
      expect(diff(text, text)).toEqual({ unified: '', hunks: [] });
  });

  it('transforms one text into the other, whatever they are', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '', '🌱', '-', '+++ x', '\\ No', 'a\r'))
      .chain((lines) => fc.boolean().map((ends) => lines.join('\n') + (ends ? '\n' : '')));
    fc.assert(
      fc.property(text, text, (from, to) => {
        const { unified, hunks } = diff(from, to);
        expect(from === to).toBe(hunks.length === 0);
        if (from !== to) expect(applyPatch(from, unified, { autoConvertLineEndings: false })).toBe(to);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, string, string]>([
    ['nothing in common', numbered(20_000, 'old'), numbered(20_000, 'new')],
    [
      'a beginning in common',
      `same\n`.repeat(9) + numbered(3_000, 'old'),
      `same\n`.repeat(9) + numbered(3_000, 'new'),
    ],
    ['an end in common', numbered(3_000, 'old') + 'x\ny\nz\nlast', numbered(3_000, 'new') + 'x\ny\nz\nlast'],
    ['no line break at the end', `${numbered(3_000, 'old')}old`, `${numbered(3_000, 'new')}new`],
  ])('stays fast and correct for large texts with %s', (_, from, to) => {
    const started = performance.now();
    const { unified, hunks } = diff(from, to);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(hunks).toHaveLength(1);
    expect(applyPatch(from, unified)).toBe(to);
  });
});
