import { fold } from './fold.js';
import { addSegments, keepSegments, ROWS, rowsToRead, Segmenter } from './signature.js';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

/** The columns of a matrix with all bits set in the rows that a search for the text reads. */
function hits(matrix: Buffer, width: number, text: string): number[] {
  const rows = rowsToRead(fold(text));
  return Array.from({ length: width * 8 }, (_, column) => column).filter((column) =>
    rows.every((row) => matrix[row * width + (column >> 3)]! & (0x80 >> (column & 7))),
  );
}

function segmentsOf(texts: string[]) {
  return texts.map((text, index) => {
    const segmenter = new Segmenter();
    segmenter.add({ chatId: String(index), at: at(index), follows: null, text: fold(text) });
    return segmenter.segments[0]!;
  });
}

describe('the matrix of a group', () => {
  const texts = Array.from({ length: 21 }, (_, n) => `Text number ${n} of Zürich, 北京 and 🌱${n}`);

  it('finds every part of a text in its column, even if columns are added later', () => {
    const segments = segmentsOf(texts);
    let group: { matrix: Buffer; width: number } = { matrix: Buffer.alloc(0), width: 0 };
    for (const [from, to] of [
      [0, 3],
      [3, 8],
      [8, 21],
    ] as const) {
      group = addSegments(group.matrix, { width: group.width, count: from }, segments.slice(from, to));
    }
    expect(group.width).toBe(3);
    expect(group.matrix).toHaveLength(ROWS * 3);
    for (const [column, text] of texts.entries()) {
      for (let start = 0; start < text.length; start++) {
        for (const length of [1, 2, 3, 7, text.length]) {
          expect(hits(group.matrix, group.width, text.slice(start, start + length))).toContain(column);
        }
      }
    }
    expect(hits(group.matrix, group.width, 'xylophone')).toEqual([]);
    expect(hits(group.matrix, group.width, '龘')).toEqual([]);
  });

  it('clears the bits of removed segments only', () => {
    const group = addSegments(Buffer.alloc(0), { width: 0, count: 0 }, segmentsOf(texts));
    const kept = keepSegments(
      group.matrix,
      group.width,
      texts.map((_, index) => index % 2 === 0),
    );
    expect(hits(kept, group.width, 'zurich')).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });
});

describe('Segmenter', () => {
  it('keeps consecutive messages of one chat together, and starts a new segment after a gap', () => {
    const segmenter = new Segmenter();
    segmenter.add({ chatId: 'a', at: null, follows: null, text: 'title' });
    segmenter.add({ chatId: 'a', at: at(1), follows: null, text: 'one' });
    segmenter.add({ chatId: 'a', at: at(2), follows: at(1), text: 'two' });
    segmenter.add({ chatId: 'a', at: at(9), follows: at(8), text: 'nine' });
    segmenter.add({ chatId: 'b', at: at(3), follows: null, text: 'other' });
    expect(segmenter.segments.map(({ chatId, from, to }) => ({ chatId, from, to }))).toEqual([
      { chatId: 'a', from: at(1), to: at(2) },
      { chatId: 'a', from: at(9), to: at(9) },
      { chatId: 'b', from: at(3), to: at(3) },
    ]);
  });

  it('divides a long text so that no segment has more than about a quarter of its bits set', () => {
    const segmenter = new Segmenter();
    const words = Array.from({ length: 5_000 }, (_, n) => (n * 7919).toString(36)).join(' ');
    segmenter.add({ chatId: 'a', at: at(1), follows: null, text: words });
    expect(segmenter.segments.length).toBeGreaterThan(3);
    for (const { from, to, bits } of segmenter.segments) {
      expect({ from, to }).toEqual({ from: at(1), to: at(1) });
      const set = bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
      expect(set).toBeLessThan(ROWS * 0.4);
    }
  });

  it('has each part of a long text whole in one segment, however the text is divided', () => {
    const words = Array.from({ length: 3_000 }, (_, n) => ((n * 7919) % 46_337).toString(36)).join(' ');
    for (const size of [words.length, 4_096, 5]) {
      const segmenter = new Segmenter();
      for (let start = 0; start < words.length; start += size) {
        const text = words.slice(start, start + size);
        segmenter.add({ chatId: 'a', at: at(1), follows: null, text }, start > 0);
      }
      const { segments } = segmenter;
      const has = (rows: number[]) =>
        segments.some(({ bits }) => rows.every((row) => bits[row >> 3]! & (0x80 >> (row & 7))));
      for (const length of [64, 200]) {
        for (let start = 0; start + length <= words.length; start++) {
          const part = words.slice(start, start + length);
          if (!has(rowsToRead(part))) expect({ size, part }).toBe('found');
        }
      }
    }
  });
});
