/** PostgreSQL regular expressions that search for a literal text, case-insensitive. */
export interface SearchPatterns {
  /** Matches text that contains it. */
  text: string;
  /** Matches JSON with a string that may contain it. Never misses a match. */
  json: string;
}

/** Upper and lower case are spelled out. The database's own rules depend on its locale, and only cover ASCII in "C". */
export function searchPatterns(text: string): SearchPatterns {
  return {
    text: [...text].map(inAnyCase).join(''),
    // As written by `JSON.stringify`, or with escapes that hide the characters.
    json: String.raw`${[...JSON.stringify(text).slice(1, -1)].map(inAnyCase).join('')}|\\[u/]`,
  };
}

function inAnyCase(character: string): string {
  const variants = [...new Set([character, character.toLowerCase(), character.toUpperCase()])];
  return variants.length === 1 ? escape(character) : `(?:${variants.map(escape).join('|')})`;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
