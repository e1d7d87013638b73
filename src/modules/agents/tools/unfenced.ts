import type { DocumentKind } from './document-prompts.js';

interface Fence {
  /** Where its first line begins, and where the line behind its last one does. */
  start: number;
  end: number;
  info: string;
  content: string;
}

const FENCE_LINE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/gm;
const MARKDOWN = /^\{?\.?(?:markdown|mdx?)\b/i;
const PLAIN = /^(?:te?xt|plain(?:text)?)?$/i;

/** What no sentence around a piece of code has, and most lines of code do. */
const CODE_LINE =
  /[{};=<>\\]|["']{3}|^\s{2,}\S|^\s*(?:#|\/\/|\/\*|--|@|import\b|from\b|export\b|def\b|class\b|func|const\b|let\b|var\b|package\b|use\b|return\b)/m;
const MAX_PROSE = 1_000;

/** How models announce a document, and what they say behind it. */
const ANNOUNCEMENT = /^(?:sure|certainly|of course|absolutely|okay|ok|here)\b[^\n]{0,300}$/i;
const FAREWELL = /^(?:let me know|feel free|i hope|would you like|if you)\b[^\n]{0,300}$/i;

/**
 * The content of a document without the fence of Markdown that models put around it, and without what they say before and
 * behind it, however they are told not to. A fence that is part of the document stays: in doubt, all does.
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
  // Several pieces of the same weight are all of the document; a short one tells how to run it.
  return others * 3 <= main.content.length ? main.content : text;
}

/** A document that is Markdown itself is only taken out of a fence that is around all of it, and says so. */
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
 * The outermost fences. Within one, a line of marks with words opens another, as models nest them; a line of marks alone
 * closes the innermost. What is not closed goes on to the end.
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
      // Marks that are closed in the same line are code within a sentence.
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
    // A mark that was inside of a text has been taken for another fence.
    const isLast =
      last !== undefined && last.index >= open.inner && text.slice(last.index + last[0].length).trim() === '';
    if (isLast) close(last!.index, text.length);
    else close(endWithoutMarks(text, open.marks), text.length);
  }
  return fences;
}

/** The closing marks may stand behind the last words. */
function endWithoutMarks(text: string, marks: string): number {
  const trimmed = text.trimEnd();
  return trimmed.endsWith(marks) ? trimmed.length - marks.length : text.length;
}
