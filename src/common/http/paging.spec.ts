import { decodeCursor, encodeCursor, toPage } from './paging.js';

const ID = '7f9a2a1e-7d8f-4f52-9d0c-1d4bb1d0b8f3';

describe('cursors', () => {
  it('are decoded to what was encoded', () => {
    const keyset = { at: '2026-01-02T03:04:05.678Z', id: ID };
    expect(decodeCursor(encodeCursor(keyset))).toEqual(keyset);
    expect(decodeCursor(undefined)).toBeUndefined();
  });

  it.each([
    'x',
    'e30',
    Buffer.from('2026|x').toString('base64url'),
    Buffer.from(`yesterday|${ID}`).toString('base64url'),
  ])('are refused if they are invalid: %s', (cursor) => expect(() => decodeCursor(cursor)).toThrow(/cursor/));
});

describe('toPage', () => {
  const row = (index: number) => ({ at: new Date(index).toISOString(), id: ID, index });

  it('tells whether there is more', () => {
    const keyset = ({ at, id }: { at: string; id: string }) => ({ at, id });
    const full = toPage([row(1), row(2), row(3)], 2, keyset, ({ index }) => index);
    expect(full.items).toEqual([1, 2]);
    expect(decodeCursor(full.nextCursor ?? '')).toEqual({ at: row(2).at, id: ID });
    expect(toPage([row(1), row(2)], 2, keyset, ({ index }) => index).nextCursor).toBeNull();
  });

  it('continues after a row that cannot be shown, wherever it is', () => {
    const keyset = ({ at, id }: { at: string; id: string }) => ({ at, id });
    const page = toPage([row(1), row(2), row(3)], 2, keyset, ({ index }) => {
      if (index === 2) throw new TypeError('createdAt.toISOString is not a function');
      return index;
    });
    expect(page.items).toEqual([1]);
    expect(decodeCursor(page.nextCursor ?? '')?.at).toBe(row(2).at);
  });

  it('uses the hasMore of rows that have it', () => {
    const keyset = ({ at, id }: { at: string; id: string }) => ({ at, id });
    const rows = (hasMore: boolean) => [
      { ...row(1), hasMore },
      { ...row(2), hasMore },
    ];
    expect(toPage(rows(true), 9, keyset, ({ index }) => index).nextCursor).not.toBeNull();
    expect(toPage(rows(false), 9, keyset, ({ index }) => index).nextCursor).toBeNull();
  });
});
