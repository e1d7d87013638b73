/** PostgreSQL regular expressions that look for a text as it is, in upper or lower case. */
export interface SearchPatterns {
  /** Matches text that contains it. */
  text: string;
  /** Matches JSON in which a string may contain it; never misses one. */
  json: string;
}

/**
 * Upper and lower case are spelt out: the database's own idea of them depends on its locale, and ends with ASCII in "C".
 */
export function searchPatterns(text: string): SearchPatterns {
  return {
    text: [...text].map(inAnyCase).join(''),
    // As `JSON.stringify` writes it, or with escapes that hide what they say.
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
