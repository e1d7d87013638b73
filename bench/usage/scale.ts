import { counted, rounded } from './results.js';

/** The figures that the estimate for larger installations is based on. */
export interface ScaleFacts {
  rows: number;
  /** Size of usage_logs: its table and its indexes. */
  tableBytes: number;
  indexBytes: number;
  /** Size of all rollups, with their indexes. */
  rollupBytes: number;
  /** How many times as many rows `usage_rollups` would have with calls of every kind in every quarter hour. */
  rollupGrowth: number;
  /** Rows per second that a rebuild and a purge process. */
  rebuiltPerSecond: number;
  purgedPerSecond: number;
}

const GIGABYTE = 1024 ** 3;

/** Estimates fifty million rows and more from the measured figures. */
export function atScale(facts: ScaleFacts): string {
  const { rows, tableBytes, indexBytes, rollupBytes, rollupGrowth, rebuiltPerSecond, purgedPerSecond } =
    facts;
  const gigabytesAt = (bytes: number, count: number) => rounded(((bytes / rows) * count) / GIGABYTE);
  const minutesAt = (rate: number, count: number) => counted(Math.ceil(count / rate / 60));
  const million = 1_000_000;
  return `## Fifty million rows and more

Estimated from the figures above. Nothing was measured at this size.

**What does not grow with the rows.** Questions about all users read rollups. The number of rollup rows depends on the length of time
and on the number of kinds of calls (agent, model, outcome), not on the number of calls. One year takes ${rounded(rollupBytes / 1024 ** 2)} MB here. With calls of
every kind in every quarter hour, \`usage_rollups\` would have ${rounded(rollupGrowth)} times as many rows, and this is the maximum. Reports over months
and years read the days, which are nearly full already. Two tables grow with the users. \`usage_user_rollups\` has at most one row per user and day. \`usage_user_kinds\` has
one row for each kind of call that a user made in a day, and again in a month: in each case never more rows than calls. Recording a call costs the
same at any size, as long as the indexes that it writes to stay in memory. The random ids matter most for this.

**What grows with the rows.** A row takes ${counted((tableBytes + indexBytes) / rows)} bytes with its indexes, so 50 million rows take ${gigabytesAt(tableBytes, 50 * million)} GB, and their indexes ${gigabytesAt(indexBytes, 50 * million)} GB.
\`usage:rebuild\` then takes about ${minutesAt(rebuiltPerSecond, 50 * million)} minutes. Writers continue meanwhile, and their changes are pending. The migration that creates the
rollups takes as long, and no call can be recorded meanwhile. Lists of single calls read one page by an index. An export reads all rows.

| calls | what it needs | why |
| --- | --- | --- |
| up to 50 million | memory for the indexes, and a monthly \`usage:purge\` of calls that are not needed individually | A year is ${gigabytesAt(tableBytes + indexBytes, 50 * million)} GB. One server can hold that, but every call writes to random places in the indexes of ids, chats and users. Purging a month of 4 million calls takes about ${minutesAt(purgedPerSecond, 4 * million)} minutes, in steps that users do not notice. New rows reuse the space of old ones, so the table does not grow beyond what is kept |
| up to 50 million, with many reads | a read replica for \`/api/admin/usage\` and exports | An export of everything reads ${gigabytesAt(tableBytes, 50 * million)} GB, and the primary has no spare memory for that. A report is one read statement, and rollups are ordinary tables, so a replica gives the same answers a moment later |
| more than 100 million kept | partitions of \`usage_logs\`, one per month | Deleting single rows from a table of ${gigabytesAt(tableBytes + indexBytes, 100 * million)} GB, and vacuuming it, takes too long. A partition can be summed into the archive and detached at once. The price: a key across partitions must contain the time, so \`id\` alone is no longer a primary key. The recorder's \`on conflict (id)\` becomes \`(id, request_timestamp)\`, and the recorder knows both. This departs from the original schema, so it waits until it is needed. Triggers and rollups stay as they are |
| 100,000 users per day | deleting days of \`usage_user_rollups\` and \`usage_user_kinds\` after a year | The first has 36 million rows per year, and the second several times as many. Months are 12 rows per user |
| questions that rollups cannot answer | a columnar analytical store, fed by logical replication or by a nightly export | Latency percentiles, chats, or users by model over years read all rows. A columnar store reads a tenth of them. The data for budgets and bills stays here, where it is exact with the row |

At all of these sizes, rollups can stay in the same database: adding a call to them is the same work for the first call and for the billionth.
`;
}
