import { Logger } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { invalidField } from '../errors/app-error.js';
import { isPlace, toPlace } from './place.js';

const logger = new Logger('Lists');

/** `?limit=&cursor=` of every list. */
export class PageQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: 20,
    description: 'The maximum number of items. A page also ends when it reaches 2 MB.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  @ApiPropertyOptional({ description: 'The `nextCursor` of the previous page. It is opaque.' })
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

/** The place of a row in a keyset-ordered list: its time (see {@link toPlace}) and, for rows of one time, its id. */
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
  /** The place of the last row; undefined when there was nothing (more). */
  last?: { owner: string; at: Keyset };
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws AppError 400 naming `cursor` when it is not one of ours */
export function decodeCursor(cursor: string | undefined): Keyset | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [at, id, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  if (at === undefined || !isPlace(at) || id === undefined || rest.length > 0 || !UUID.test(id)) {
    throw invalidField('cursor', 'is not a cursor of this list');
  }
  return { at, id };
}

export function encodeCursor({ at, id }: Keyset): string {
  return Buffer.from(`${at}|${id}`).toString('base64url');
}

/** Where a row stands in a list that is ordered by when rows were made, then by their ids. */
export function keysetOf({ createdAt, id }: { createdAt: Date; id: string }): Keyset {
  return { at: toPlace(createdAt), id };
}

/** Like {@link keysetOf}, where the newest rows come first. */
export function newestFirst({ createdAt, id }: { createdAt: Date; id: string }): Keyset {
  return { at: toPlace(createdAt, 'descending'), id };
}

/**
 * Cuts a page out of rows, which were read in one of two ways: with `LIMIT limit + 1`, where the row too many only says
 * that there is more; or as `boundedRows` reads them, where `hasMore` says it.
 *
 * A row that cannot be shown costs only itself. The cursor comes from the last row, shown or not, so that the next page
 * goes on behind it.
 */
export function toPage<Row extends object, Item>(
  rows: Row[],
  limit: number,
  keyset: (row: Row) => Keyset,
  map: (row: Row) => Item,
): Page<Item> {
  return toPageBy(
    rows,
    limit,
    (row) => encodeCursor(keyset(row)),
    map,
    (row) => keyset(row).id,
  );
}

/** Like {@link toPage}, in a list that has cursors of its own. */
export function toPageBy<Row extends object, Item>(
  rows: Row[],
  limit: number,
  cursorOf: (row: Row) => string,
  map: (row: Row) => Item,
  idOf: (row: Row) => string,
): Page<Item> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit || (last as { hasMore?: boolean } | undefined)?.hasMore === true;
  return {
    items: toItems(page, map, idOf),
    nextCursor: hasMore && last !== undefined ? cursorOf(last) : null,
  };
}

/**
 * What rows become, without those that cannot become anything: their owners may have written them past this server. The
 * log names these by their ids.
 */
export function toItems<Row, Item>(rows: Row[], map: (row: Row) => Item, idOf: (row: Row) => string): Item[] {
  const bad: string[] = [];
  const items = rows.flatMap((row) => {
    try {
      return [map(row)];
    } catch {
      bad.push(idOf(row));
      return [];
    }
  });
  reportSkipped(bad);
  return items;
}

/** Writes to the log which rows a list leaves out. */
export function reportSkipped(ids: string[]): void {
  if (ids.length > 0) logger.warn({ ids }, 'Rows that cannot be shown were omitted from a list.');
}
