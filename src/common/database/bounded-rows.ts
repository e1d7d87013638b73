/** A page of a list ends when it reaches this many bytes. */
export const PAGE_BYTES = 2 * 1024 * 1024;

/** The rows of a page, in SQL, and the columns that can be large. */
interface Page {
  /** A select with all columns, in order. It returns at most one row more than the page may have. */
  rows: string;
  /** The order of the rows, by column. */
  order: string;
  /** Text columns and JSON columns that can be large. */
  texts?: string[];
  jsons?: string[];
  /** The maximum number of rows of a page: a parameter. */
  limit: string;
  /** The maximum size of a page: a parameter or a number. */
  bytes?: number | string;
}

/**
 * A relation, in SQL, with as many rows as should be in memory at once: at most `limit`, and no more than fit into
 * `bytes`, but at least one. `"hasMore"` of the last row tells whether more rows follow.
 *
 * Rows beyond the page never leave PostgreSQL, and none of them is read needlessly. The size of a text is known without
 * reading it. The size of compressed JSON is not (a few kilobytes can become megabytes). JSON is therefore only read as
 * far as the page would reach without compression.
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
