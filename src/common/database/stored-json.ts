/** The escapes of NUL and of half surrogate pairs, which PostgreSQL refuses or cannot read back. */
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

/** Of all parts of a message in bytes; the database takes a little more. */
const MAX_BYTES = 30 * 1024 ** 2;

/** The parts of an answer as they can be stored: of one that is too large, its beginning, and a word about the rest. */
export function partsToJson(parts: unknown[]): string {
  const json = toJson(parts);
  if (json.length * 3 <= MAX_BYTES || Buffer.byteLength(json) <= MAX_BYTES) return json;
  const kept: string[] = [];
  let bytes = 0;
  for (const part of parts) {
    const text = toJson(part);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_BYTES) break;
    kept.push(text);
  }
  const note = { type: 'text', text: '[The rest of this answer was too large to store.]', state: 'done' };
  return `[${[...kept, JSON.stringify(note)].join(',')}]`;
}
