import type { DocumentKind } from './document-prompts.js';

interface Fence {
  /** The start of the first line, and the start of the line after the last one. */
  start: number;
  end: number;
  info: string;
  content: string;
}

const FENCE_LINE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/gm;
const MARKDOWN = /^\{?\.?(?:markdown|mdx?)\b/i;
const PLAIN = /^(?:te?xt|plain(?:text)?)?$/i;

/** Matches most lines of code, but no ordinary sentence. */
const CODE_LINE =
  /[{};=<>\\]|["']{3}|^\s{2,}\S|^\s*(?:#|\/\/|\/\*|--|@|import\b|from\b|export\b|def\b|class\b|func|const\b|let\b|var\b|package\b|use\b|return\b)/m;
const MAX_PROSE = 1_000;

/** What models write before and after a document. */
const ANNOUNCEMENT = /^(?:sure|certainly|of course|absolutely|okay|ok|here)\b[^\n]{0,300}$/i;
const FAREWELL = /^(?:let me know|feel free|i hope|would you like|if you)\b[^\n]{0,300}$/i;

/**
 * The content of a document without the Markdown fence that models put around it, and without the sentences before and
 * after that fence. Fences that are part of the document stay. In doubt, the text stays as it is.
 */
export function unfenced(kind: Exclude<DocumentKind, 'image'>, text: string): string {
  const fences = fencesIn(text);
  const [first] = fences;
  if (!first) return text;
  const before = text.slice(0, first.start);
  if (kind === 'text') return isWrapper(text, fences) ? first.content : text;
  if (!isProse(before) || fences.some((fence, index) => !isProse(outsideOf(text, fence, fences[index + 1]))))
    return text;
  const main = fences.reduce((longest, fence) =>
    fence.content.length > longest.content.length ? fence : longest,
  );
  const others = fences.reduce((length, fence) => length + fence.content.length, -main.content.length);
  // Several blocks of similar length are all part of the document. A short one is usage advice.
  return others * 3 <= main.content.length ? main.content : text;
}

/** A Markdown document is only taken out of a single fence around all of it. */
function isWrapper(text: string, fences: Fence[]): boolean {
  const [fence, ...more] = fences;
  if (!fence || more.length > 0) return false;
  const before = text.slice(0, fence.start).trim();
  const after = text.slice(fence.end).trim();
  if (before === '' && after === '') return MARKDOWN.test(fence.info) || PLAIN.test(fence.info);
  if (!MARKDOWN.test(fence.info)) return false;
  return (before === '' || ANNOUNCEMENT.test(before)) && (after === '' || FAREWELL.test(after));
}

function outsideOf(text: string, fence: Fence, next: Fence | undefined): string {
  return text.slice(fence.end, next?.start);
}

function isProse(text: string): boolean {
  return text.trim() === '' || (text.length <= MAX_PROSE && !CODE_LINE.test(text));
}

/**
 * The outermost fences. Within a fence, marks with an info string open a nested one, and marks alone close the innermost
 * one. A fence that is not closed ends with the text.
 */
function fencesIn(text: string): Fence[] {
  const fences: Fence[] = [];
  let open: { start: number; inner: number; marks: string; info: string } | undefined;
  let depth = 0;
  let last: RegExpExecArray | undefined;
  const close = (from: number, to: number) => {
    if (!open) return;
    const { start, inner, info } = open;
    fences.push({
      start,
      end: to,
      info,
      content: text.slice(inner, Math.max(inner, from)).replace(/\r?\n$/, ''),
    });
    open = undefined;
  };
  for (const line of text.matchAll(FENCE_LINE)) {
    const [whole, marks = '', rest = ''] = line;
    const info = rest.trim();
    const lineEnd = line.index + whole.length;
    const next = Math.min(lineEnd + 1, text.length);
    if (!open) {
      // Marks that close on the same line are inline code.
      if (marks.startsWith('`') && info.includes('`')) continue;
      open = { start: line.index, inner: next, marks, info };
      depth = 1;
      continue;
    }
    if (!marks.startsWith(open.marks)) continue;
    if (info !== '') depth++;
    else if (--depth === 0) close(line.index, next);
    last = info === '' ? line : last;
  }
  if (open) {
    // Marks inside the content may have been taken for a nested fence.
    const isLast =
      last !== undefined && last.index >= open.inner && text.slice(last.index + last[0].length).trim() === '';
    if (isLast) close(last!.index, text.length);
    else close(endWithoutMarks(text, open.marks), text.length);
  }
  return fences;
}

/** The closing marks may follow the last word without a line break. */
function endWithoutMarks(text: string, marks: string): number {
  const trimmed = text.trimEnd();
  return trimmed.endsWith(marks) ? trimmed.length - marks.length : text.length;
}
