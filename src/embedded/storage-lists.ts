import { storageFailure } from './failures.js';
import { type Fields, isFields } from './json-body.js';
import type { ListedRow, Listing } from './storage.repository.js';

const MAX_ITEMS = 1_000;
const DEFAULT_LIMIT = 100;

/** A list as `list()` of Supabase's clients asks for it: the folder `prefix`, by names relative to it. */
export function readList(bucket: string, body: Fields): Listing {
  const folder = textOf(body['prefix']).replace(/^\/+/, '');
  const base = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const { column, order } = isFields(body['sortBy']) ? body['sortBy'] : {};
  return {
    bucket,
    prefix: `${base}${textOf(body['search'])}`,
    byFolder: true,
    sortBy: (column as Listing['sortBy']) ?? 'name',
    order: order === 'desc' ? 'desc' : 'asc',
    limit: limitOf(body['limit'], DEFAULT_LIMIT),
    offset: typeof body['offset'] === 'number' ? body['offset'] : 0,
  };
}

export function toList(listing: Listing, rows: ListedRow[]): Response {
  const folder = listing.prefix.slice(0, listing.prefix.lastIndexOf('/') + 1);
  return Response.json(
    rows.map(({ path, ...row }) => ({ name: path.slice(folder.length).replace(/\/$/, ''), ...row })),
  );
}

const SORTABLE = ['name', 'created_at', 'updated_at'];

/** A list as `listV2()` asks for it: paths that begin with `prefix`, by their whole names. Or why it cannot be given. */
export function readListV2(bucket: string, body: Fields): Listing | Response {
  const { column = 'name', order = 'asc' } = isFields(body['sortBy']) ? body['sortBy'] : {};
  if (typeof column !== 'string' || !SORTABLE.includes(column))
    return storageFailure(400, 'invalid_request', `sortBy.column must be one of ${SORTABLE.join(', ')}`);
  const offset = offsetOf(body['cursor']);
  if (offset === undefined) return storageFailure(400, 'invalid_request', 'cursor is not one of this list');
  return {
    bucket,
    prefix: textOf(body['prefix']),
    byFolder: body['with_delimiter'] === true,
    sortBy: column as Listing['sortBy'],
    order: order === 'desc' ? 'desc' : 'asc',
    limit: limitOf(body['limit'], MAX_ITEMS),
    offset,
  };
}

/** @param rows one more than asked for, where there are more */
export function toListV2({ limit, offset = 0 }: Listing, rows: ListedRow[]): Response {
  const entries = rows
    .slice(0, limit)
    .map(({ path, ...row }) => ({ name: path, key: path.replace(/\/$/, '').split('/').at(-1), ...row }));
  const hasNext = rows.length > limit;
  return Response.json({
    hasNext,
    folders: entries.filter(({ id }) => id === null).map(({ name, key }) => ({ name, key })),
    objects: entries.filter(({ id }) => id !== null),
    ...(hasNext ? { nextCursor: Buffer.from(String(offset + limit)).toString('base64url') } : {}),
  });
}

function limitOf(value: unknown, fallback: number): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, MAX_ITEMS) : fallback;
}

function offsetOf(cursor: unknown): number | undefined {
  if (cursor === undefined || cursor === null) return 0;
  const offset = Buffer.from(textOf(cursor), 'base64url').toString('utf8');
  return /^\d{1,9}$/.test(offset) ? Number(offset) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
