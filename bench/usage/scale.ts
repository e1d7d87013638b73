import { counted, rounded } from './results.js';

/** What the text about larger installations is reckoned from. */
export interface ScaleFacts {
  rows: number;
  /** Of usage_logs, its table and its indexes. */
  tableBytes: number;
  indexBytes: number;
  /** Of all rollups, with their indexes. */
  rollupBytes: number;
  /** As many times as many rows `usage_rollups` would have with calls of every kind in every quarter of an hour. */
  rollupGrowth: number;
  /** Rows that a rebuild, a verification and a purge get through in a second. */
  rebuiltPerSecond: number;
  purgedPerSecond: number;
}

const GIGABYTE = 1024 ** 3;

/** How fifty million rows and more run, reckoned from what was measured. */
export function atScale(facts: ScaleFacts): string {
  const { rows, tableBytes, indexBytes, rollupBytes, rollupGrowth, rebuiltPerSecond, purgedPerSecond } =
    facts;
  const gigabytesAt = (bytes: number, count: number) => rounded(((bytes / rows) * count) / GIGABYTE);
  const minutesAt = (rate: number, count: number) => counted(Math.ceil(count / rate / 60));
  const million = 1_000_000;
  return `## Fifty million rows, and beyond

Reckoned from the figures above; nothing of it was measured at that size.

**What does not grow with the rows.** Questions about all users read rollups. How many rows these have depends on the time that has
passed and on how many kinds of calls (agent, model, outcome) it knew, not on the calls: a year takes ${rounded(rollupBytes / 1024 ** 2)} MB here, and
\`usage_rollups\` would have ${rounded(rollupGrowth)} times as many rows if there were calls of every kind in every quarter of an hour, which is the most
there can be. Reports of months and years read the days, which are nearly full already. What grows with the users is
\`usage_user_rollups\`, a row for each user and day at most, and \`usage_user_kinds\`, a row for each kind of calls that a user
made in a day: never more rows than calls, for days and again for months. Recording a call costs the same at any size, as long as the indexes
that it writes to (the random ids above all) stay in memory.

**What does.** A row takes ${counted((tableBytes + indexBytes) / rows)} bytes with its indexes: 50 million are ${gigabytesAt(tableBytes, 50 * million)} GB and ${gigabytesAt(indexBytes, 50 * million)} GB of indexes.
\`usage:rebuild\` takes about ${minutesAt(rebuiltPerSecond, 50 * million)} minutes then, while writers go on and what they write is pending; the migration that makes the rollups
takes as long, and no call can be recorded meanwhile. Lists of single calls read a page by an index, an export reads all rows.

| calls | what it needs | why |
| --- | --- | --- |
| to 50 million | memory for the indexes, and \`usage:purge\` every month for what nobody will look at call by call | a year is ${gigabytesAt(tableBytes + indexBytes, 50 * million)} GB, which one server holds, but every call writes to random places of the indexes of ids, chats and users. A month of 4 million calls is purged in about ${minutesAt(purgedPerSecond, 4 * million)} minutes, in steps of which nobody notices; new rows take the place of old ones, so the table stays as large as what is kept |
| to 50 million, much read | a read replica for \`/api/admin/usage\` and exports | an export of everything reads ${gigabytesAt(tableBytes, 50 * million)} GB, for which the first server has no memory to spare. A report is one reading statement and rollups are ordinary tables: a replica gives the same answers, a moment later |
| beyond 100 million kept | \`usage_logs\` in parts, one for each month | removing single rows from a table of ${gigabytesAt(tableBytes + indexBytes, 100 * million)} GB, and vacuuming it, takes longer than it should, while a part is summed up into the archive and detached at once. The price: a key across parts must contain the time, so \`id\` alone would be no primary key any more, and the recorder's \`on conflict (id)\` would become \`(id, request_timestamp)\`, both of which it knows. That breaks with the original schema, so it waits until it is needed; triggers and rollups would stay as they are |
| 100,000 users a day | days of \`usage_user_rollups\` and \`usage_user_kinds\` no longer kept after a year | the former are 36 million rows a year, the latter several times as many; months are 12 rows a user |
| questions that rollups do not know | an analytical store in columns, fed by logical replication or by a nightly export | percentiles of latencies, chats, or users by model over years read all rows, of which a store in columns reads a tenth. What budgets and bills need stays here, where it is exact with the row |

Rollups do not have to be computed elsewhere at any of these sizes: adding a call to them is the same work for the first and for the
billionth.
`;
}
