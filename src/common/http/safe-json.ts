/** JSON of a row; undefined for one that cannot be written, because it is nested too deeply for the stack. */
export function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** JSON of a row whose field `key` may hold anything: null stands for what cannot be written. */
export function toJsonWithout<T extends object>(value: T, key: keyof T): string {
  return toJson(value) ?? JSON.stringify({ ...value, [key]: null });
}

/** A value, or another one where it cannot be written. */
export function writableOr<T>(value: T, other: T): T {
  return toJson(value) === undefined ? other : value;
}

/** What the log calls a row. */
export function idOf(row: unknown): string {
  const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
  return typeof id === 'string' ? id : 'unknown';
}
