import { storageFailure } from './failures.js';
import { type Fields, isFields, parseJsonObject } from './json-body.js';

const SORT_COLUMNS = ['name', 'id', 'created_at', 'updated_at', 'last_accessed_at'];
/** More than any client asks for at once. */
const MAX_ITEMS = 1_000;

/** Returns the JSON body of a storage request, checked for everything that the library cannot handle, or a refusal. */
export function parseStorageBody(text: string): Fields | Response {
  const body = parseJsonObject(text);
  if (typeof body === 'string') return refuse(body);
  const problem = sortProblem(body['sortBy']) ?? countProblem(body);
  return problem === undefined ? body : refuse(problem);
}

function sortProblem(sort: unknown): string | undefined {
  if (sort === undefined || sort === null) return undefined;
  if (!isFields(sort)) return 'sortBy must be an object';
  const { column, order } = sort;
  if (!SORT_COLUMNS.includes(String(column)))
    return `sortBy.column must be one of ${SORT_COLUMNS.join(', ')}`;
  return order === undefined || order === 'asc' || order === 'desc'
    ? undefined
    : 'sortBy.order must be asc or desc';
}

function countProblem(body: Fields): string | undefined {
  for (const name of ['prefixes', 'paths']) {
    const list = body[name];
    if (Array.isArray(list) && list.length > MAX_ITEMS)
      return `${name} must have no more than ${MAX_ITEMS} items`;
  }
  for (const name of ['limit', 'offset', 'expiresIn']) {
    const value = body[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 0))
      return `${name} must be a whole number`;
  }
  return undefined;
}

function refuse(message: string): Response {
  return storageFailure(400, 'invalid_request', message);
}
