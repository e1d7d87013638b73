import { fold, unfolding } from './search/fold.js';

/** PostgreSQL regular expressions that look for a text in either normal form, in any case, with or without accents. */
export interface SearchPatterns {
  /** Matches text that contains it. */
  text: string;
  /** Matches JSON with a string that may contain it. Never misses a match. */
  json: string;
}

/**
 * All that folds to what is looked for is spelt out: the database's own idea of letters depends on its locale, and ends
 * with ASCII in "C". What PostgreSQL finds so is the same that {@link fold} finds, which the index is made with.
 */
export function searchPatterns(text: string): SearchPatterns {
  const folded = fold(text);
  return {
    text: patternOf(text, folded, (form) => form),
    // As `JSON.stringify` writes it, or with escapes that hide what they say.
    json: String.raw`${patternOf(text, folded, (form) => JSON.stringify(form).slice(1, -1))}|\\[u/]`,
  };
}

type Encode = (form: string) => string;

function patternOf(text: string, folded: string, encode: Encode): string {
  // Of nothing but marks: they are looked for as they are.
  if (folded === '') return [...text].map((character) => oneOf([character], encode)).join('');
  const { sequences, heads, tails } = unfolding();
  const characters = [...folded];
  const units: string[] = [];
  for (let at = 0; at < characters.length;) {
    const longest = [4, 3, 2]
      .map((length) => characters.slice(at, at + length))
      .find((sequence) => sequences.has(sequence.join('')));
    const length = longest?.length ?? 1;
    // The first and the last character may be a part of what folds to several.
    const partial = [
      ...(at === 0 ? (tails.get(characters[0]!) ?? []) : []),
      ...(at + length === characters.length ? (heads.get(characters.at(-1)!) ?? []) : []),
    ];
    const single = (character: string, index: number) => {
      const isEdge = at + index === 0 || at + index === characters.length - 1;
      return inAnyForm(character, isEdge ? partial : [], encode);
    };
    if (longest) {
      const whole = oneOf(sequences.get(longest.join(''))!, encode);
      units.push(`(?:${longest.map(single).join(ignored())}|${whole})`);
    } else units.push(single(characters[at]!, 0));
    at += length;
  }
  return units.join(ignored());
}

function inAnyForm(character: string, others: string[], encode: Encode): string {
  const variants = unfolding().variants;
  const composed = oneOf([...new Set([character, ...(variants.get(character) ?? []), ...others])], encode);
  const parts = [...character.normalize('NFD')];
  if (parts.length === 1) return composed;
  const decomposed = parts.map((part) => oneOf([part, ...(variants.get(part) ?? [])], encode)).join('');
  // What follows would make another letter of it.
  return String.raw`(?:${composed}|${decomposed}(?![\u1161-\u1175\u11a8-\u11c2\u3099\u309a]))`;
}

function oneOf(forms: string[], encode: Encode): string {
  const encoded = forms.map(encode);
  const characters = encoded.filter((form) => [...form].length === 1);
  const strings = encoded.filter((form) => [...form].length > 1).map(escape);
  const set = characters.map(escape).join('');
  if (characters.length > 0) strings.push(characters.length === 1 ? set : `[${set}]`);
  return strings.length === 1 ? strings[0]! : `(?:${strings.join('|')})`;
}

let knownIgnored: string | undefined;

function ignored(): string {
  return (knownIgnored ??= `[${unfolding()
    .ignored.map(([first, last]) => (first === last ? escape(first) : `${escape(first)}-${escape(last)}`))
    .join('')}]*`);
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|-]/g, String.raw`\$&`);
}
