import pg from 'pg';
import type * as Migrate from '../../src/common/database/migrate.js';
import { load } from '../support/build.js';

const { runMigrations } = await load<typeof Migrate>('common/database/migrate.js');

/** Replaces the trigger that counts new rows by one that only counts spending, as budgets need it. */
const COUNT_SPENDING_ONLY = [
  'drop trigger usage_added on usage_logs',
  `create function count_spending() returns trigger language plpgsql as $$ begin
     insert into switchboard.daily_spending as spending (user_id, agent_type, day, cost)
     select user_id, agent_type, (request_timestamp at time zone 'UTC')::date as day, sum(total_cost)
       from added where total_cost <> 0 group by user_id, agent_type, day order by user_id, agent_type, day
     on conflict (user_id, agent_type, day) do update set cost = spending.cost + excluded.cost;
     return null;
   end $$`,
  `create trigger usage_added after insert on usage_logs
     referencing new table as added for each statement execute function count_spending()`,
];

/**
 * Adds another migrated database on the same server. With `rollups: false`, new rows only count as spending.
 */
export async function addDatabase(
  serverUrl: string,
  name: string,
  { rollups = true }: { rollups?: boolean } = {},
): Promise<string> {
  await run(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await runMigrations({ url: url.href });
  if (!rollups) await run(url.href, ...COUNT_SPENDING_ONLY);
  return url.href;
}

/** Runs statements without parameters, one after the other. */
export async function run(url: string, ...statements: string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

export async function withClient<T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}
