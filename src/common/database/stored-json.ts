/** The escapes of NUL and of half surrogate pairs, which PostgreSQL refuses or can not read back. */
const UNSTORABLE = /\\u0000|\\ud[89a-f][0-9a-f]{2}/i;

/** What a model says, as a text of the database can hold it. */
export function toStorableText(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}

/**
 * JSON as PostgreSQL can store it. What a client sends is checked before; what a model says is not, so characters that
 * no database text may hold are taken out here.
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!UNSTORABLE.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? toStorableText(item) : item,
  );
}
