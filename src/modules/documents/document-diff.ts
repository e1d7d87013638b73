import { formatPatch, structuredPatch, type StructuredPatch, type StructuredPatchHunk } from 'diff';
import type { DiffHunkDto } from './dto/diff.dto.js';

// This file runs in a worker thread by itself. It must only import packages and types.

/** One side of a comparison. */
export interface DiffSide {
  /** Its name in the unified diff. */
  name: string;
  /** Its version, or undefined if there is no version before the first one. */
  version?: string;
  content: string;
}

const CONTEXT = 3;

/**
 * The time of a comparison grows with the square of the number of changed lines. If there are more than this,
 * everything between the first and the last difference is shown as replaced. This is correct and fast.
 */
const MAX_EDITS = 1_000;

/** Texts with more lines are not compared line by line. */
const MAX_LINES = 400_000;

/** Time limit for comparing lines, in milliseconds. Partial results are discarded. */
const TIME_LIMIT = 1_000;

/** The largest response, in bytes of JSON. */
const MAX_BYTES = 4 * 1024 * 1024;

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
  const options = { context: CONTEXT, maxEditLength: MAX_EDITS, timeout: TIME_LIMIT };
  const isComparable = countLines(from.content) + countLines(to.content) <= MAX_LINES;
  const patch: StructuredPatch = (isComparable ? structuredPatch(...names, options) : undefined) ?? {
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

/**
 * The difference between two versions as JSON for the API.
 *
 * @returns undefined if it is too large to send
 */
export function writeDifference(sides: { from: DiffSide; to: DiffSide }): Uint8Array | undefined {
  const { from, to } = sides;
  const { unified, hunks } = compare(from, to);
  if (unified.length > MAX_BYTES / 2) return undefined;
  const bytes = Buffer.from(JSON.stringify({ from: from.version ?? null, to: to.version, unified, hunks }));
  return bytes.length > MAX_BYTES ? undefined : bytes;
}

/** One hunk that replaces everything between the common first lines and the common last lines. */
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

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** The lines of a text with their line breaks. Only the last line may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function signed(sign: string, lines: string[]): string[] {
  return lines.flatMap((line) =>
    line.endsWith('\n') ? [`${sign}${line.slice(0, -1)}`] : [`${sign}${line}`, NO_LINE_BREAK],
  );
}

/**
 * The library counts from the line after if there are no lines. It only corrects this when it writes the unified
 * format.
 */
function toHunk({ oldStart, oldLines, newStart, newLines, lines }: StructuredPatchHunk): DiffHunkDto {
  return {
    oldStart: oldLines === 0 ? oldStart - 1 : oldStart,
    oldLines,
    newStart: newLines === 0 ? newStart - 1 : newStart,
    newLines,
    lines,
  };
}
