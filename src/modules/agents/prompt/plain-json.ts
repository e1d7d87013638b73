import type { JSONValue } from '@ai-sdk/provider';
import { bounded } from '../../../common/database/bounded-json.js';
import { toStorableText } from '../../../common/database/stored-json.js';

/** Vendors parse JSON up to a depth of about a hundred levels, and add some levels of their own. */
const MAX_DEPTH = 40;

/** A text that every vendor accepts. Half a surrogate pair, or NUL, makes some vendors refuse the whole request. */
export function plainText(text: string): string {
  return toStorableText(text);
}

/** A value as JSON that every vendor accepts. Values that are nested too deeply become text. */
export function plainJson(value: unknown): JSONValue {
  return plain(bounded(value), 1);
}

function plain(value: unknown, depth: number): JSONValue {
  switch (typeof value) {
    case 'string':
      return plainText(value);
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (depth > MAX_DEPTH) return plainText(JSON.stringify(value));
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [plainText(key), plain(member, depth + 1)]),
  );
}
