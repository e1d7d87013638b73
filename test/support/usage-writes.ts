import fc from 'fast-check';

/** A write to `usage_logs`. The property test chooses numbers at random, not the database. */
export interface Write {
  name: string;
  sql: string;
  parameters: unknown[];
}

/** A statement that changes more rows than this does not leave them to the fold. */
export const MANY = 5_000;

const AGENTS = `(array['chat', 'artifact', 'routing', 'git_mcp'])`;

/** Calls of several users over three days, the same ones for the same seed. A fifth of them are running. */
const INSERT = `
  insert into usage_logs
    (user_id, agent_type, provider, model_used, input_tokens, output_tokens, total_tokens, input_cost, output_cost,
     total_cost, request_timestamp, response_timestamp, metadata)
  select ($1::uuid[])[1 + dice % cardinality($1::uuid[])], ${AGENTS}[1 + dice % 4], 'p', $4 || dice % 3,
         dice % 1000, dice % 77, dice % 1000 + dice % 77, dice % 10007 / 1e6, dice % 7 / 1e6,
         dice % 10007 / 1e6 + dice % 7 / 1e6, timestamptz '2026-01-30T12:00:00Z' + dice % 259200000 * interval '1 millisecond',
         case when dice % 5 > 0 then now() end,
         case dice % 4 when 0 then null when 1 then '{"status": "error", "ownKey": true}'
                       when 2 then '{"status": "success", "ownKey": false, "unpriced": true}'
                       else '{"status": "a-status-that-is-too-long"}' end::jsonb
    from (select abs(hashint8(($3::bigint + number) * 7919)::bigint) as dice from generate_series(1, $2::int) number) as thrown`;

/** This many rows of a model, in a fixed order. */
const some = (condition: string) => `
  select id from usage_logs where model_used like $1 || '%' and ${condition} order by id limit $2::int`;

const CHANGES: Record<string, string> = {
  end: `update usage_logs set response_timestamp = now(), input_tokens = input_tokens + 3, total_tokens = total_tokens + 3,
               metadata = coalesce(metadata, '{}') || '{"status": "success"}'
         where id in (${some('response_timestamp is null')})`,
  reopen: `update usage_logs set response_timestamp = null where id in (${some('true')})`,
  price: `update usage_logs set input_cost = 0.123456, total_cost = 0.123456 + output_cost where id in (${some('true')})`,
  fail: `update usage_logs set metadata = '{"status": "error"}' where id in (${some('true')})`,
  'change the key': `update usage_logs set metadata = coalesce(metadata, '{}') || '{"ownKey": true, "unpriced": false}'
                      where id in (${some('true')})`,
  move: `update usage_logs set request_timestamp = request_timestamp - interval '25 hours' where id in (${some('true')})`,
  'give away': `update usage_logs set user_id = ($3::uuid[])[1] where id in (${some('true')})`,
  touch: `update usage_logs set duration_ms = 1 where id in (${some('true')})`,
  delete: `delete from usage_logs where id in (${some('true')})`,
};

/**
 * Writes to usage_logs by one of several writers, who do not change each other's rows.
 *
 * @param users the users whose calls are added
 * @param model the prefix of the model's name that identifies a writer's rows
 */
export function writes(users: string[], model: string): fc.Arbitrary<Write> {
  const insert = fc
    .record({ rows: fc.constantFrom(1, 1, 1, 2, 30, MANY + 700), seed: fc.nat(1_000_000) })
    .map(({ rows, seed }) => ({
      name: `insert ${rows}`,
      sql: INSERT,
      parameters: [users, rows, seed, model],
    }));
  const change = fc
    .record({ name: fc.constantFrom(...Object.keys(CHANGES)), rows: fc.constantFrom(1, 1, 3, 50, 100_000) })
    .map(({ name, rows }) => ({
      name: `${name} ${rows}`,
      sql: CHANGES[name]!,
      parameters: CHANGES[name]!.includes('$3') ? [model, rows, users] : [model, rows],
    }));
  return fc.oneof({ weight: 3, arbitrary: insert }, { weight: 4, arbitrary: change });
}
