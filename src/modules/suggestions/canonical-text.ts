/** CRLF, characters with combining marks, and single characters that may be composed. */
const CLUSTERS = /\r\n|[^\P{ASCII}\r\n]\p{M}+|\P{ASCII}\p{M}*/gu;

/**
 * A text in one canonical spelling: lines end with LF, and characters are decomposed. Editors and models use different
 * spellings of texts that look the same.
 */
export class CanonicalText {
  readonly text: string;
  /** The ends of rewritten clusters in the canonical text and in the original, in pairs. */
  private readonly ends: number[] = [];
  /** Their starts. */
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

  /** The index in the original, or undefined within a rewritten cluster. */
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

/** The clusters that are not in canonical spelling, in order. Skips lines without any. */
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

/** Converts a text to the line endings and the normal form of a document, if the document uses them consistently. */
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
