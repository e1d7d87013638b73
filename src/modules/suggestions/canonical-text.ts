/** Line ends of two characters, characters with their combining marks, and single characters that may be composed. */
const CLUSTERS = /\r\n|[^\P{ASCII}\r\n]\p{M}+|\P{ASCII}\p{M}*/gu;

/**
 * A text in the one spelling that all its spellings share: lines end with LF, characters are decomposed. Editors and
 * models write either way, and what they write looks the same.
 */
export class CanonicalText {
  readonly text: string;
  /** Where spellings of different lengths end, here and in the original, in pairs. */
  private readonly ends: number[] = [];
  /** Where they begin. */
  private readonly starts: number[] = [];

  constructor(original: string) {
    const pieces: string[] = [];
    let [from, length] = [0, 0];
    for (const { cluster, index, canonical } of differences(original)) {
      pieces.push(original.slice(from, index), canonical);
      length += index - from;
      this.starts.push(length, index);
      length += canonical.length;
      from = index + cluster.length;
      this.ends.push(length, from);
    }
    this.text = pieces.join('') + original.slice(from);
  }

  /** The place in the original; undefined inside of a character that is spelled in another way there. */
  originalIndex(index: number): number | undefined {
    let [low, high] = [0, this.starts.length / 2];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle * 2]! <= index) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return index;
    const at = (low - 1) * 2;
    if (index === this.starts[at]) return this.starts[at + 1];
    const behind = index - this.ends[at]!;
    return behind < 0 ? undefined : this.ends[at + 1]! + behind;
  }
}

/** What is spelled in another way than the common one, in order. Lines without any are passed over at once. */
function* differences(text: string) {
  let start = 0;
  while (start < text.length) {
    const line = text.slice(start, text.indexOf('\n', start) + 1 || text.length);
    if (line.endsWith('\r\n') || line.normalize('NFD') !== line) {
      for (const { 0: cluster, index } of line.matchAll(CLUSTERS)) {
        const canonical = cluster === '\r\n' ? '\n' : cluster.normalize('NFD');
        if (canonical !== cluster) yield { cluster, index: start + index, canonical };
      }
    }
    start += line.length;
  }
}

/** A text with the line ends and the form of characters that a document has, where all of it has the same. */
export function inConventionOf(content: string, text: string): string {
  return inFormOf(content, withLineEndsOf(content, text));
}

function withLineEndsOf(content: string, text: string): string {
  if (!text.includes('\n') || !content.includes('\n')) return text;
  if (!content.includes('\r\n')) return text.replaceAll('\r\n', '\n');
  return /(?<!\r)\n/.test(content) ? text : text.replace(/\r?\n/g, '\r\n');
}

function inFormOf(content: string, text: string): string {
  if (!/\P{ASCII}/u.test(text) || !/\P{ASCII}/u.test(content)) return text;
  const isComposed = content.normalize('NFC') === content;
  const isDecomposed = content.normalize('NFD') === content;
  if (isComposed === isDecomposed) return text;
  return text.normalize(isComposed ? 'NFC' : 'NFD');
}
