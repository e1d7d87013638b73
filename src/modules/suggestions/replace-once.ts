/**
 * Replaces a text that occurs exactly once; occurrences that overlap count as several.
 *
 * @returns undefined when it does not occur, or more than once
 */
export function replaceOnce(content: string, original: string, replacement: string): string | undefined {
  if (original === '') return undefined;
  const start = content.indexOf(original);
  if (start < 0 || content.includes(original, start + 1)) return undefined;
  return content.slice(0, start) + replacement + content.slice(start + original.length);
}
