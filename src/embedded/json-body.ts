import { findHostileInput } from '../common/http/hostile-input.js';

export type Fields = Record<string, unknown>;

/** Far more values than any request to auth or storage has. Each one costs time to check. */
const MAX_VALUES = 20_000;

/** Returns the object in a body without characters that the database refuses, or the reason why it is invalid. */
export function parseJsonObject(text: string): Fields | string {
  if (text === '') return {};
  let values = 0;
  for (const character of text) {
    if (character === ',' || character === ':' || character === '[') values += 1;
    if (values > MAX_VALUES) return 'The request body has too many values';
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'Could not parse request body as JSON';
  }
  if (!isFields(body)) return 'The request body must be a JSON object';
  const problem = findHostileInput(body);
  return problem ? `${problem.path} ${problem.message}` : body;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
