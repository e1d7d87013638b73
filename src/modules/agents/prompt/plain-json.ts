import type { JSONValue } from '@ai-sdk/provider';
import { bounded } from '../../../common/database/bounded-json.js';
import { toStorableText } from '../../../common/database/stored-json.js';

/** Vendors read JSON into structures of at most about a hundred levels, and put it into levels of their own. */
const MAX_DEPTH = 40;

/** A text as every vendor takes it: half a surrogate pair, or NUL, makes some refuse the whole request. */
export function plainText(text: string): string {
  return toStorableText(text);
}

/** A value as JSON that every vendor takes. What is nested too deeply becomes text. */
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
