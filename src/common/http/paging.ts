import { Logger } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { invalidField } from '../errors/app-error.js';
import { isCursorTime, toCursorTime } from './cursor-time.js';

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

/** One page of a list. `nextCursor` is null on the last page. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/**
 * The position of a row in a keyset-ordered list: its time (see {@link toCursorTime}) and its id for rows with the same
 * time.
 */
export interface Keyset {
  at: string;
  id: string;
}

/** The position before the first row, in SQL. */
export const BEFORE_ALL: Keyset = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/**
 * Where to continue for each of several owners, as two SQL columns: `after` for the first owner, and the beginning for
 * the others.
 */
export function positionsAfter(owners: unknown[], after: Keyset = BEFORE_ALL): [at: string[], id: string[]] {
  const places = owners.map((_, index) => (index === 0 ? after : BEFORE_ALL));
  return [places.map(({ at }) => at), places.map(({ id }) => id)];
}

/** The items of several owners, in order, as far as one read reaches. */
export interface OwnedPage<T> {
  items: T[];
  /** The position of the last row. Undefined if there are no (more) rows. */
  last?: { owner: string; at: Keyset };
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws AppError 400 naming `cursor` if it is invalid */
export function decodeCursor(cursor: string | undefined): Keyset | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [at, id, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  if (at === undefined || !isCursorTime(at) || id === undefined || rest.length > 0 || !UUID.test(id)) {
    throw invalidField('cursor', 'is not a cursor of this list');
  }
  return { at, id };
}

export function encodeCursor({ at, id }: Keyset): string {
  return Buffer.from(`${at}|${id}`).toString('base64url');
}

/** The position of a row in a list ordered by creation time and id. */
export function keysetOf({ createdAt, id }: { createdAt: Date; id: string }): Keyset {
  return { at: toCursorTime(createdAt), id };
}

/** Like {@link keysetOf}, with the newest rows first. */
export function newestFirst({ createdAt, id }: { createdAt: Date; id: string }): Keyset {
  return { at: toCursorTime(createdAt, 'descending'), id };
}

/**
 * Makes a page from rows that were read in one of two ways. With `LIMIT limit + 1`, the extra row only shows that there
 * are more. With `boundedRows`, `hasMore` shows it.
 *
 * A row that cannot be shown only affects itself. The cursor comes from the last row, shown or not, so the next page
 * continues after it.
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

/** Like {@link toPage}, for a list with its own kind of cursor. */
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
 * Maps rows and omits those that cannot be mapped, because their owners may have written them past this server. The log
 * lists their ids.
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

/** Logs the rows that a list omits. */
export function reportSkipped(ids: string[]): void {
  if (ids.length > 0) logger.warn({ ids }, 'Rows that cannot be shown were omitted from a list.');
}
