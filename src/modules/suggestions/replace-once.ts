import { CanonicalText, inConventionOf } from './canonical-text.js';

interface Place {
  start: number;
  end: number;
}

/**
 * Replaces a text that occurs exactly once. Overlapping occurrences count as several. If the exact text does not occur,
 * other line endings and Unicode normal forms are tried. The replacement gets the line endings and the normal form of
 * the content, unless the text itself was given in a decomposed form.
 *
 * @returns undefined if it does not occur, or occurs more than once
 */
export function replaceOnce(content: string, original: string, replacement: string): string | undefined {
  const place = findOnce(content, original);
  if (place === undefined || place === 'several') return undefined;
  const { start, end } = place;
  // If the edit itself uses decomposed characters, it is taken literally.
  const isLiteral = original.normalize('NFC') !== original && content.slice(start, end) === original;
  const spelled = isLiteral ? replacement : inConventionOf(content, replacement);
  return content.slice(0, start) + spelled + content.slice(end);
}

/** Whether a text occurs in another, in any line endings and normal form. Takes bounded time: see {@link isQuick}. */
export function isIn(content: string, text: string): boolean {
  return text !== '' && findOnce(content, text) !== undefined;
}

/** A text that occurs exactly once, in the spelling of the content. Undefined if it does not. */
export function spelledAsIn(content: string, text: string): string | undefined {
  const place = findOnce(content, text);
  return place === undefined || place === 'several' ? undefined : content.slice(place.start, place.end);
}

function findOnce(content: string, text: string): Place | 'several' | undefined {
  if (text === '') return undefined;
  const [start, another] = findTwo(content, text);
  if (another !== undefined) return 'several';
  return start === undefined ? findSpelled(content, text) : { start, end: start + text.length };
}

/** Searches in canonical spelling. */
function findSpelled(content: string, text: string): Place | 'several' | undefined {
  const [all, wanted] = [new CanonicalText(content), new CanonicalText(text)];
  if (all.text === content && wanted.text === text) return undefined;
  const [start, another] = findTwo(all.text, wanted.text);
  if (start === undefined) return undefined;
  if (another !== undefined) return 'several';
  const place = { start: all.originalIndex(start), end: all.originalIndex(start + wanted.text.length) };
  return place.start === undefined || place.end === undefined ? undefined : (place as Place);
}

/** The positions of the first and the second occurrence. */
function findTwo(content: string, text: string): [start?: number, another?: number] {
  return isQuick(content, text) ? findByEngine(content, text) : findSteadily(content, text);
}

/**
 * For repetitive texts, `indexOf` can take time proportional to the product of both lengths: minutes, for fifty
 * kilobytes in a document of ten megabytes.
 */
function isQuick(content: string, original: string): boolean {
  return original.length <= 32 || content.length * original.length <= 40_000_000;
}

function findByEngine(content: string, original: string): [start?: number, another?: number] {
  const start = content.indexOf(original);
  if (start < 0) return [];
  const another = content.indexOf(original, start + 1);
  return another < 0 ? [start] : [start, another];
}

/** The search of Knuth, Morris and Pratt. It reads each character once or twice, whatever the texts are. */
function findSteadily(content: string, original: string): [start?: number, another?: number] {
  const borders = bordersOf(original);
  const found: number[] = [];
  for (let index = 0, length = 0; index < content.length && found.length < 2; index++) {
    const code = content.charCodeAt(index);
    while (length > 0 && original.charCodeAt(length) !== code) length = borders[length - 1]!;
    if (original.charCodeAt(length) === code) length++;
    if (length < original.length) continue;
    found.push(index - length + 1);
    length = borders[length - 1]!;
  }
  return [found[0], found[1]];
}

/** For each prefix of a text, the length of the longest shorter prefix that it ends with. */
function bordersOf(text: string): Uint32Array {
  const borders = new Uint32Array(text.length);
  for (let index = 1, length = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    while (length > 0 && text.charCodeAt(length) !== code) length = borders[length - 1]!;
    if (text.charCodeAt(length) === code) length++;
    borders[index] = length;
  }
  return borders;
}
