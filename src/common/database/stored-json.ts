/** The escapes of NUL and of unpaired surrogates, which PostgreSQL refuses or cannot read back. */
const UNSTORABLE = /\\u0000|\\ud[89a-f][0-9a-f]{2}/i;

/** Text of a model, without the characters that a database text cannot contain. */
export function toStorableText(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}

/**
 * JSON that PostgreSQL can store. Client input is checked before, but model output is not. Characters that the database
 * does not accept are removed here.
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  // Most JSON has no escape at all, and that is found out faster.
  if (!json.includes(String.raw`\u`) || !UNSTORABLE.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? toStorableText(item) : item,
  );
}

/** Maximum size of all parts of a message in bytes. The database accepts slightly more. */
const MAX_BYTES = 30 * 1024 ** 2;

/**
 * The parts of an answer in storable form. If an answer is too large, its beginning is stored, with a note about the
 * rest.
 */
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
