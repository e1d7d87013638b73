/**
 * The content of a segment is stored as a signature of {@link ROWS} bits. Each sequence of three characters in the text
 * sets one bit. Each pair and each single character sets three. A text can only contain another text if all bits of the
 * other text are set. Long texts are found by their many sequences of three, and short ones by their few pairs and
 * characters.
 */
export const ROWS = 8192;

/** If more bits are set, too many texts seem to be in the segment. */
const MOST_BITS = 2_000;
/** The number of characters between two checks of how many bits are set. */
const PIECE = 512;
/** The number of bits that a sequence sets, by its length. */
const BITS = [0, 3, 3, 1];
/** The number of rows of the matrix that a search reads. For a long text, further rows add little. */
const MOST_ROWS_READ = 16;

/** A part of the text of one chat. */
export interface Segment {
  chatId: string;
  /** The times of its first and its last message. Null if it only has the title. */
  from: Date | null;
  to: Date | null;
  bits: Uint8Array;
}

/** The text of a message, or of a title if it has no time. */
export interface SegmentText {
  chatId: string;
  at: Date | null;
  /** The time of the previous message in the chat. */
  follows: Date | null;
  text: string;
}

/**
 * Divides folded texts into segments. Texts are added in order, chat by chat. All messages between the first and the
 * last message of a segment belong to the segment, so a search reads no others.
 */
export class Segmenter {
  readonly segments: Segment[] = [];
  private bitsSet = 0;

  add(message: SegmentText): void {
    const { at, text } = message;
    for (let start = 0; start === 0 || start < text.length; start += PIECE) {
      const segment = this.segmentOf(message);
      if (at) {
        segment.from ??= at;
        segment.to = at;
      }
      this.bitsSet += mark(segment.bits, text, start, Math.min(start + PIECE, text.length));
    }
  }

  private segmentOf({ chatId, follows }: SegmentText): Segment {
    const last = this.segments.at(-1);
    const isNext = last?.chatId === chatId && !(follows && last.to && follows > last.to);
    if (last && isNext && this.bitsSet < MOST_BITS) return last;
    this.bitsSet = 0;
    const segment = { chatId, from: null, to: null, bits: new Uint8Array(ROWS / 8) };
    this.segments.push(segment);
    return segment;
  }
}

/** The rows of the matrix in which a segment with this folded text has its bit set, those of the longest sequences first. */
export function rowsToRead(folded: string): number[] {
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
 * A matrix has a row for each bit of a signature, and a bit for each segment in each row. So everything that a search
 * reads is stored together. This function adds segments after the existing ones.
 *
 * @returns the matrix, and the number of bytes in each row
 */
export function addSegments(
  matrix: Buffer,
  { width, count }: { width: number; count: number },
  segments: Segment[],
): { matrix: Buffer; width: number } {
  const newWidth = Math.ceil((count + segments.length) / 8);
  const result = Buffer.alloc(ROWS * newWidth);
  for (let row = 0; row < ROWS; row++) matrix.copy(result, row * newWidth, row * width, (row + 1) * width);
  for (const [index, { bits }] of segments.entries()) {
    const column = count + index;
    const byte = column >> 3;
    const bit = 0x80 >> (column & 7);
    for (let row = 0; row < ROWS; row++) {
      if (bits[row >> 3]! & (0x80 >> (row & 7))) result[row * newWidth + byte]! |= bit;
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

/** @returns how many bits were not set before */
function mark(bits: Uint8Array, text: string, start: number, end: number): number {
  let added = 0;
  for (let at = start; at < end; at++) {
    for (let length = 1; length <= 3 && at + length <= text.length; length++) {
      for (let number = 0; number < BITS[length]!; number++) {
        const row = rowAt(text, at, length, number);
        const bit = 0x80 >> (row & 7);
        if (bits[row >> 3]! & bit) continue;
        bits[row >> 3]! |= bit;
        added++;
      }
    }
  }
  return added;
}

/** A hash. Stored matrices depend on it, so it must never change. */
function rowAt(text: string, at: number, length: number, number: number): number {
  let hash = length + 4 * number;
  for (let index = at; index < at + length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x2c1b3c6d);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x297a2d39);
  return (hash ^ (hash >>> 15)) & (ROWS - 1);
}
