/** A page of a list ends when it reaches so many bytes. */
export const PAGE_BYTES = 2 * 1024 * 1024;

/** The rows of a page, in SQL, and what of them can be large. */
interface Page {
  /** A select of at most one row more than the page may have, with all its columns, in order. */
  rows: string;
  /** The order of the rows, by their columns. */
  order: string;
  /** Columns of text, and columns of JSON, that can be large. */
  texts?: string[];
  jsons?: string[];
  /** How many rows a page may have: a parameter. */
  limit: string;
  /** How large it may be; a parameter, or a number. */
  bytes?: number | string;
}

/**
 * A relation, in SQL, of as many rows as are good to have in memory at a time: at most `limit`, and no more than fit into
 * `bytes`, but at least one. `"hasMore"` of the last one says whether there are others behind
 * it.
 *
 * Rows beyond the page never leave PostgreSQL, and none of them is read in vain: the size of a text is known without
 * reading it. That of JSON is not, where it is compressed (a few kilobytes can become megabytes), so JSON is only
 * read as far as the page would reach if nothing was compressed any further.
 */
export function boundedRows({
  rows,
  order,
  texts = [],
  jsons = [],
  limit,
  bytes = PAGE_BYTES,
}: Page): string {
  const inOrder = `over (order by ${order} rows unbounded preceding)`;
  const sizes = texts.map((column) => `coalesce(octet_length(${column}), 0)`);
  const stored = jsons.map((column) => `coalesce(pg_column_size(${column}), 0)`);
  const read = jsons.map(
    (column) => `
      case when pg_column_compression(${column}) is null then coalesce(pg_column_size(${column}), 0)
           else octet_length(${column}::text) end`,
  );
  const storedSize = sum([...sizes, ...stored]);
  return `(
    select sized.*
      from (
        select near.*, sum(page_size) ${inOrder} as page_end
          from (
            select placed.*, (${sum([...sizes, ...read])}) as page_size
              from (
                select listed.*, row_number() ${inOrder} as page_position, lead(true) ${inOrder} is not null as "hasMore",
                       sum(${storedSize}) ${inOrder} as page_stored
                  from (${rows}) listed
              ) placed
             where page_position <= ${limit} and (page_position = 1 or page_stored <= ${bytes})
          ) near
      ) sized
     where page_position = 1 or page_end <= ${bytes}
  )`;
}

function sum(sizes: string[]): string {
  return sizes.length === 0 ? '0' : sizes.join(' + ');
}
