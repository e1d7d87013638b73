import { findHostileInput } from '../common/http/hostile-input.js';

export type Fields = Record<string, unknown>;

/** Far more values than any request to auth or storage has; each costs time to look at. */
const MAX_VALUES = 20_000;

/** The object that a body holds, free of what no database takes; otherwise why it can't be used. */
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
