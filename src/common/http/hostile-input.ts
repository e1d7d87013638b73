import type { FieldError } from '../errors/app-error.js';

/** Deeper than any chat message; far below where recursive code (ours or a library's) would overflow. */
export const MAX_DEPTH = 64;

/**
 * Finds what no handler should have to think of: NUL bytes and lone surrogates (PostgreSQL can't store them),
 * nesting beyond {@link MAX_DEPTH}, and property names that would reach into prototypes.
 */
export function findHostileInput(root: unknown): FieldError | undefined {
  const stack: Array<{ value: unknown; path: string; depth: number }> = [{ value: root, path: '', depth: 0 }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, path, depth } = entry;
    if (typeof value === 'string') {
      const message = textProblem(value);
      if (message) return { path, message };
    } else if (typeof value === 'object' && value !== null) {
      if (depth >= MAX_DEPTH)
        return { path: firstSegments(path), message: `is nested deeper than ${MAX_DEPTH} levels` };
      for (const key of Object.keys(value)) {
        const keyPath = path === '' ? key : `${path}.${key}`;
        const message = key === '__proto__' ? 'is not an allowed property name' : textProblem(key);
        if (message) return { path: message.startsWith('is not') ? keyPath : path, message };
        stack.push({ value: (value as Record<string, unknown>)[key], path: keyPath, depth: depth + 1 });
      }
    }
  }
  return undefined;
}

/** Why PostgreSQL could not store a text; undefined when it can. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'contains a NUL character';
  return text.isWellFormed() ? undefined : 'contains half of a surrogate pair';
}

/** A path of 64 segments helps nobody; its beginning names the field. */
function firstSegments(path: string): string {
  return path.split('.').slice(0, 4).join('.');
}
