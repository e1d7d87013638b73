/** JSON of a row, or undefined if it is nested too deeply for the stack. */
export function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** JSON of a row with arbitrary content in the field `key`. The field becomes null if it cannot be written. */
export function toJsonWithout<T extends object>(value: T, key: keyof T): string {
  return toJson(value) ?? JSON.stringify({ ...value, [key]: null });
}

/** Returns the value, or the fallback if the value cannot be written. */
export function serializableOr<T>(value: T, other: T): T {
  return toJson(value) === undefined ? other : value;
}

/** The name of a row in the log. */
export function idOf(row: unknown): string {
  const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
  return typeof id === 'string' ? id : 'unknown';
}
