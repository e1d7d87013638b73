import { formatPatch, structuredPatch, type StructuredPatch, type StructuredPatchHunk } from 'diff';
import type { DiffHunkDto } from './dto/diff.dto.js';

/** One side of a comparison. */
export interface DiffSide {
  /** What the unified diff calls it. */
  name: string;
  /** Its version; undefined for the nothing before the first one. */
  version?: string;
  content: string;
}

const CONTEXT = 3;

/**
 * The time of a comparison grows with the square of the lines that differ. Beyond this many, what lies between the first
 * and the last difference is given as replaced: true all the same, and found at once.
 */
const MAX_EDITS = 1_000;

const NO_LINE_BREAK = '\\ No newline at end of file';

/** The difference between two texts, line by line, as a unified diff and as its hunks. */
export function compare(from: DiffSide, to: DiffSide): { unified: string; hunks: DiffHunkDto[] } {
  const names = [
    from.version === undefined ? '/dev/null' : from.name,
    to.name,
    from.content,
    to.content,
    from.version,
    to.version,
  ] as const;
  const patch: StructuredPatch = structuredPatch(...names, {
    context: CONTEXT,
    maxEditLength: MAX_EDITS,
  }) ?? {
    oldFileName: names[0],
    newFileName: names[1],
    oldHeader: from.version,
    newHeader: to.version,
    hunks: [replaceBetween(linesOf(from.content), linesOf(to.content))],
  };
  if (patch.hunks.length === 0) return { unified: '', hunks: [] };
  const unified = formatPatch(patch, {
    includeIndex: false,
    includeUnderline: false,
    includeFileHeaders: true,
  });
  return { unified, hunks: patch.hunks.map(toHunk) };
}

/** One hunk that replaces all between the lines that both texts begin with and those that both end with. */
function replaceBetween(from: string[], to: string[]): StructuredPatchHunk {
  const shorter = Math.min(from.length, to.length);
  let before = 0;
  while (before < shorter && from[before] === to[before]) before++;
  let after = 0;
  while (after < shorter - before && from.at(-1 - after) === to.at(-1 - after)) after++;

  const start = Math.max(0, before - CONTEXT);
  const below = Math.min(after, CONTEXT);
  const oldEnd = from.length - after;
  const newEnd = to.length - after;
  return {
    oldStart: start + 1,
    oldLines: oldEnd + below - start,
    newStart: start + 1,
    newLines: newEnd + below - start,
    lines: [
      ...signed(' ', from.slice(start, before)),
      ...signed('-', from.slice(before, oldEnd)),
      ...signed('+', to.slice(before, newEnd)),
      ...signed(' ', from.slice(oldEnd, oldEnd + below)),
    ],
  };
}

/** The lines of a text, each with its line break; only the last one may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function signed(sign: string, lines: string[]): string[] {
  return lines.flatMap((line) =>
    line.endsWith('\n') ? [`${sign}${line.slice(0, -1)}`] : [`${sign}${line}`, NO_LINE_BREAK],
  );
}

/** The library counts from the line after where there are no lines, and only writes it as the unified format has it. */
function toHunk({ oldStart, oldLines, newStart, newLines, lines }: StructuredPatchHunk): DiffHunkDto {
  return {
    oldStart: oldLines === 0 ? oldStart - 1 : oldStart,
    oldLines,
    newStart: newLines === 0 ? newStart - 1 : newStart,
    newLines,
    lines,
  };
}
