/**
 * What a segment of text contains is kept as a signature of {@link ROWS} bits: each sequence of three characters in it sets
 * one of them, each pair and each character three. A text can only contain another one whose bits are all set. A long text
 * is told by its many threes, a short one by the bits of what little there is.
 */
export const ROWS = 8192;

/** Looked up once: where code runs in a context of its own, each look-up of a global is slow. */
const { imul, clz32 } = Math;

/** With more bits set than this, too many texts would seem to be in a segment. */
const MOST_BITS = 2_000;
/** Characters between two looks at how many bits are set. */
const PIECE = 512;
/**
 * A segment that begins within a message repeats so many characters of the one before, so that a text of this length is
 * whole in one of them. Of a longer text, a search looks for the bits of its beginning.
 */
const OVERLAP = 64;
/** How many bits a sequence of so many characters sets. */
const BITS = [0, 3, 3, 1];
/** Rows of the matrix that a search reads: the longer the text is, the less each of them adds. */
const MOST_ROWS_READ = 16;

/** A part of the text of one chat. */
export interface Segment {
  chatId: string;
  /** The times of its first and its last message; null with the title alone. */
  from: Date | null;
  to: Date | null;
  bits: Uint8Array;
}

/** The text of a message, or without a time that of a title. */
export interface SegmentText {
  chatId: string;
  at: Date | null;
  /** The time of the message before it in the chat. */
  follows: Date | null;
  text: string;
}

/**
 * Divides folded texts into segments. They come chat by chat, in order. Between the first and the last message of a segment
 * stand only messages of its own, so that a search reads nothing else.
 */
export class Segmenter {
  readonly segments: Segment[] = [];
  private bitsSet = 0;
  private readonly marker = new Marker();
  /** The end of the text that came last. */
  private tail = '';

  /** @param continues true for another piece of the same message */
  add(message: SegmentText, continues = false): void {
    const { at } = message;
    const text = continues ? this.tail + message.text : message.text;
    // Sequences across two pieces begin with the last two characters of the first.
    let start = continues ? Math.max(0, this.tail.length - 2) : 0;
    let isBegun = continues;
    do {
      const end = Math.min(start + PIECE, text.length);
      const { segment, isNew } = this.segmentOf(message);
      if (at) {
        segment.from ??= at;
        segment.to = at;
      }
      const from = isNew && isBegun ? Math.max(0, start - OVERLAP) : start;
      this.bitsSet += this.marker.mark(segment.bits, text, from, end);
      start = end;
      isBegun = true;
    } while (start < text.length);
    this.tail = text.slice(-(OVERLAP + 2));
  }

  private segmentOf({ chatId, follows }: SegmentText): { segment: Segment; isNew: boolean } {
    const last = this.segments.at(-1);
    const isNext = last?.chatId === chatId && !(follows && last.to && follows > last.to);
    if (last && isNext && this.bitsSet < MOST_BITS) return { segment: last, isNew: false };
    this.bitsSet = 0;
    this.marker.forget();
    const segment = { chatId, from: null, to: null, bits: new Uint8Array(ROWS / 8) };
    this.segments.push(segment);
    return { segment, isNew: true };
  }
}

/** The rows of the matrix in which each segment with this folded text has its bit: of the longest sequences first. */
export function rowsToRead(text: string): number[] {
  const folded = text.slice(0, OVERLAP);
  const rows = new Set<number>();
  for (let length = 3; length >= 1 && rows.size < MOST_ROWS_READ; length--) {
    const found = new Set<number>();
    for (let at = 0; at + length <= folded.length; at++) {
      for (let bit = 0; bit < BITS[length]!; bit++) found.add(rowAt(folded, at, length, bit));
    }
    const most = Math.min(found.size, MOST_ROWS_READ - rows.size);
    const all = [...found];
    for (let index = 0; index < most; index++) rows.add(all[Math.floor((index * all.length) / most)]!);
  }
  return [...rows];
}

/**
 * A matrix has a row for each bit of a signature, and in it a bit for each segment: what a search reads of it lies side by
 * side. This adds segments behind those that it has.
 *
 * @returns the matrix, and how many bytes each row has
 */
export function addSegments(
  matrix: Buffer,
  { width, count }: { width: number; count: number },
  segments: Segment[],
): { matrix: Buffer; width: number } {
  const newWidth = Math.ceil((count + segments.length) / 8);
  const result = Buffer.alloc(ROWS * newWidth);
  if (newWidth === width) matrix.copy(result);
  else if (width > 0) {
    for (let row = 0; row < ROWS; row++) matrix.copy(result, row * newWidth, row * width, (row + 1) * width);
  }
  for (const [index, { bits }] of segments.entries()) {
    const column = count + index;
    const byte = column >> 3;
    const bit = 0x80 >> (column & 7);
    for (let at = 0; at < bits.length; at++) {
      // Most bits are not set.
      for (let left = bits[at]!; left !== 0; left &= left - 1) {
        const row = at * 8 + clz32(left & -left) - 24;
        result[row * newWidth + byte]! |= bit;
      }
    }
  }
  return { matrix: result, width: newWidth };
}

/** Clears the bits of all other segments. */
export function keepSegments(matrix: Buffer, width: number, isKept: boolean[]): Buffer {
  const mask = new Uint8Array(width);
  for (const [column, kept] of isKept.entries()) if (kept) mask[column >> 3]! |= 0x80 >> (column & 7);
  const result = Buffer.from(matrix);
  for (let at = 0; at < result.length; at++) result[at]! &= mask[at % width]!;
  return result;
}

/** Most pairs of characters come again and again: what a segment has of the last ones is not computed twice. */
const KNOWN_PAIRS = 4096;

/** Sets the bits of texts in a segment. */
class Marker {
  private readonly pairs = new Int32Array(KNOWN_PAIRS).fill(-1);

  /** The next segment begins. */
  forget(): void {
    this.pairs.fill(-1);
  }

  /** @returns how many bits were not set before */
  mark(bits: Uint8Array, text: string, start: number, end: number): number {
    const { pairs } = this;
    let added = 0;
    for (let at = start; at < end; at++) {
      if (at + 2 < text.length) added += setBit(bits, rowAt(text, at, 3, 0));
      const isPair = at + 1 < text.length;
      if (isPair) {
        const pair = (text.charCodeAt(at) << 16) | text.charCodeAt(at + 1);
        const slot = (pair ^ (pair >>> 10)) & (KNOWN_PAIRS - 1);
        if (pairs[slot] === pair && pair !== -1) continue;
        pairs[slot] = pair;
      }
      for (let length = isPair ? 2 : 1; length > 0; length--) {
        for (let number = 0; number < BITS[length]!; number++) {
          added += setBit(bits, rowAt(text, at, length, number));
        }
      }
    }
    return added;
  }
}

function setBit(bits: Uint8Array, row: number): number {
  const bit = 0x80 >> (row & 7);
  const byte = bits[row >> 3]!;
  if (byte & bit) return 0;
  bits[row >> 3] = byte | bit;
  return 1;
}

/** A hash; a stored matrix is read by it, so it never changes. */
function rowAt(text: string, at: number, length: number, number: number): number {
  let hash = length + 4 * number;
  for (let index = at; index < at + length; index++) {
    hash = imul(hash ^ text.charCodeAt(index), 0x2c1b3c6d);
    hash ^= hash >>> 13;
  }
  hash = imul(hash ^ (hash >>> 16), 0x297a2d39);
  return (hash ^ (hash >>> 15)) & (ROWS - 1);
}
