import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { invalidField } from '../errors/app-error.js';

/** `?limit=&cursor=` of every list. */
export class PageQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: 20,
    description: 'How many items at most.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  @ApiPropertyOptional({ description: 'The `nextCursor` of the page before; opaque.' })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  cursor?: string;
}

/** One page of a list; `nextCursor` is null on the last one. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The place of a row in a keyset-ordered list: its time (ISO 8601) and, for rows of one time, its id. */
export interface Keyset {
  at: string;
  id: string;
}

/** The place before the first row, in SQL. */
export const BEFORE_ALL: Keyset = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** Where to go on with each of several owners, in two columns of SQL: `after` in the first, at the beginning in the others. */
export function placesAfter(owners: unknown[], after: Keyset = BEFORE_ALL): [at: string[], id: string[]] {
  const places = owners.map((_, index) => (index === 0 ? after : BEFORE_ALL));
  return [places.map(({ at }) => at), places.map(({ id }) => id)];
}

/** What several owners have, in their order: as much of it as one reading takes. */
export interface Stretch<T> {
  items: T[];
  /** The place of the last item; undefined when there was nothing (more). */
  last?: { owner: string; at: Keyset };
}

/** As `toISOString` writes the years that PostgreSQL can read. */
const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws AppError 400 naming `cursor` when it is not one of ours */
export function decodeCursor(cursor: string | undefined): Keyset | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [at, id, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  const isTime = at !== undefined && TIME.test(at) && !Number.isNaN(Date.parse(at));
  if (!isTime || id === undefined || rest.length > 0 || !UUID.test(id)) {
    throw invalidField('cursor', 'is not a cursor of this list');
  }
  return { at, id };
}

export function encodeCursor({ at, id }: Keyset): string {
  return Buffer.from(`${at}|${id}`).toString('base64url');
}

/**
 * Cuts a page out of rows that were read with `LIMIT limit + 1`: the row too many only says that there is more.
 */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  keyset: (row: Row) => Keyset,
  map: (row: Row) => Item,
): Page<Item> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(map),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyset(last)) : null,
  };
}
