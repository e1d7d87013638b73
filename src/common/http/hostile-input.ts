import type { FieldError } from '../errors/app-error.js';

/** Deeper than any chat message, and far below the depth where recursive code (ours or a library's) would overflow. */
export const MAX_DEPTH = 64;

/** The number of path segments that an error names. */
const NAMED_KEYS = 4;

/** A value with its path. The path is only built for errors, because most inputs are valid. */
interface Place {
  value: unknown;
  key: string;
  parent?: Place;
  depth: number;
}

/**
 * Finds input that handlers should not have to check for: NUL bytes and unpaired surrogates (PostgreSQL cannot store
 * them), nesting deeper than {@link MAX_DEPTH}, and property names that would change prototypes.
 */
export function findHostileInput(root: unknown): FieldError | undefined {
  if (typeof root === 'string') return problemAt('', textProblem(root));
  const places: Place[] = [{ value: root, key: '', depth: 0 }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { value, depth } = place;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH)
      return problemAt(pathOf(place, NAMED_KEYS), `is nested deeper than ${MAX_DEPTH} levels`);
    for (const key of Object.keys(value)) {
      const keyProblem = textProblem(key);
      if (keyProblem) return problemAt(pathOf(place), keyProblem);
      const member = (value as Record<string, unknown>)[key];
      const memberProblem =
        key === '__proto__'
          ? 'is not an allowed property name'
          : typeof member === 'string'
            ? textProblem(member)
            : undefined;
      if (memberProblem)
        return problemAt(pathOf({ value: member, key, parent: place, depth }), memberProblem);
      if (typeof member === 'object') places.push({ value: member, key, parent: place, depth: depth + 1 });
    }
  }
  return undefined;
}

/** The reason why PostgreSQL could not store a text, or undefined if it can. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'contains a NUL character';
  return text.isWellFormed() ? undefined : 'contains an unpaired surrogate';
}

function problemAt(path: string, message: string | undefined): FieldError | undefined {
  return message === undefined ? undefined : { path, message };
}

/** A path of 64 segments is not useful. The first segments name the field. */
function pathOf(place: Place, length = Number.POSITIVE_INFINITY): string {
  const keys: string[] = [];
  for (let at: Place | undefined = place; at?.parent; at = at.parent) keys.unshift(at.key);
  return keys.slice(0, length).join('.');
}
