import pg from 'pg';

/** A year of an installation, made by PostgreSQL itself. */
export interface Year {
  rows: number;
  users: number;
  days: number;
}

/** How many connections add rows side by side. */
const WRITERS = 2;

/** Who is asked how often, in percent; their prices are those of the product's catalog. */
const MODELS: ReadonlyArray<[provider: string, model: string, percent: number]> = [
  ['google', 'gemini-2.5-flash', 34],
  ['google', 'gemini-2.5-pro', 12],
  ['google', 'gemini-2.5-flash-lite', 12],
  ['openai', 'gpt-5.2', 12],
  ['openai', 'gpt-4o-mini', 12],
  ['anthropic', 'claude-sonnet-4-5', 12],
  ['anthropic', 'claude-haiku-4-5', 6],
];

/** Tables that only the generator reads; they go with the database. */
const PLAN = `
  create schema plan;

  -- Few users make most of the calls, and everybody has some.
  create table plan.users as
    select n, gen_random_uuid() as id, greatest(1, (2000 / n)::int) as chats from generate_series(1, $users) n;
  create unique index on plan.users (n);
  insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
    select id, 'authenticated', 'authenticated', id || '@example.com', '{}', '{"role": "user", "isActive": true}',
           now() - interval '400 days', now() from plan.users;
  create function plan.chat_of(n int, k int) returns uuid language sql immutable
    return md5(n || '/' || k)::uuid;
  insert into public.chat (id, user_id, title, "createdAt")
    select plan.chat_of(n, k), id, 'A chat about something, number ' || k, now() - interval '366 days'
      from plan.users cross join lateral generate_series(1, chats) k;

  create table plan.models as
    select *, sum(percent) over (order by place) as up_to from (
      select place, wanted.provider, wanted.model, percent::numeric, (listed -> 'pricing' ->> 'input')::numeric as input,
             coalesce(listed -> 'pricing' ->> 'cachedInput', listed -> 'pricing' ->> 'input')::numeric as cached,
             (listed -> 'pricing' ->> 'output')::numeric as output
        from jsonb_to_recordset($models) as wanted (place int, provider text, model text, percent int)
        join (select jsonb_array_elements(config_data -> 'models') as listed
                from public.admin_config where config_key = 'model_catalog') as catalog
          on listed ->> 'provider' = wanted.provider and listed ->> 'id' = wanted.model) as models;

  -- Work is done by day and in the week, in Europe for the most part, and more of it from month to month.
  create table plan.hours as
    select hour, weight / sum(weight) over () as share from (
      select hour,
             (1 + extract(epoch from hour - now() + $days * interval '1 day') / 86400 / $days)
             * case when extract(isodow from hour) > 5 then 0.3 else 1 end
             * (0.08 + exp(-power(extract(hour from hour at time zone 'Europe/Berlin') - 10.5, 2) / 8)
                     + 0.9 * exp(-power(extract(hour from hour at time zone 'Europe/Berlin') - 15.5, 2) / 8)
                     + 0.25 * exp(-power(extract(hour from hour at time zone 'Europe/Berlin') - 20.5, 2) / 5)) as weight
        from generate_series(date_trunc('hour', now()) - $days * interval '1 day',
                             date_trunc('hour', now()) - interval '1 hour', interval '1 hour') as hour) as hours`;

/** The finished calls of every so many-th hour, as the recorder would have left them. */
const ROWS = `
  insert into public.usage_logs
    (user_id, chat_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens,
     input_cost, output_cost, total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
  select users.id, plan.chat_of(users.n, 1 + floor(random() * users.chats)::int), agent, model, provider,
         input_tokens, output_tokens, input_tokens + output_tokens,
         round(input_exact, 6), round(output_exact, 6), round(input_exact + output_exact, 6),
         at, at + duration * interval '1 millisecond', duration,
         jsonb_strip_nulls(jsonb_build_object(
           'status', status, 'purpose', purpose, 'requestId', gen_random_uuid(), 'messageId', gen_random_uuid(),
           'ownKey', users.n % 10 = 0, 'errorCode', case status when 'error' then 'provider_error' end,
           'finishReason', case status when 'success' then 'stop' end,
           'cachedInputTokens', cached_tokens, 'cacheWriteTokens', 0, 'reasoningTokens', output_tokens / 3,
           'timeToFirstTokenMs', case when output_tokens > 0 then duration / 5 end,
           'unroundedCost', jsonb_build_object('inputCost', trim_scale(input_exact)::text, 'outputCost', trim_scale(output_exact)::text,
                                               'totalCost', trim_scale(input_exact + output_exact)::text)))
    from (
      select *, (input_tokens - cached_tokens) * input / 1e6 + cached_tokens * cached / 1e6 as input_exact,
             output_tokens * output / 1e6 as output_exact, 300 + output_tokens * 12 + floor(random() * 900)::int as duration
        from (
          select calls.*, models.*, agents.*, statuses.*,
                 case when works then (prompt * exp(random_normal() * 0.9))::int % 180000 else 0 end as input_tokens,
                 case when works then (answer * exp(random_normal() * 0.8))::int % 30000 else 0 end as output_tokens,
                 case when works and random() < 0.4 then (prompt * random() * 0.3)::int else 0 end as cached_wish
            from (select date_trunc('milliseconds', hour + random() * interval '1 hour') as at, random() * 100 as model_die,
                         random() as agent_die, random() as status_die,
                         1 + floor($users * power(random(), 4))::int as n
                    from (select hour, floor(share * $rows + random())::int as count from plan.hours
                           where extract(epoch from hour)::bigint / 3600 % $writers = $writer order by hour) as hours
                   cross join lateral generate_series(1, count)) as calls
            cross join lateral (select provider, model, input, cached, output from plan.models
                                 where up_to > model_die order by place limit 1) as models
            cross join lateral (select case when agent_die < 0.62 then 'chat' when agent_die < 0.74 then 'routing'
                                            when agent_die < 0.92 then 'artifact' else 'git_mcp' end as agent,
                                       case when agent_die < 0.54 then 'answer' when agent_die < 0.62 then 'title'
                                            when agent_die < 0.74 then 'routing' else 'answer' end as purpose,
                                       case when agent_die < 0.54 then 2600 when agent_die < 0.74 then 250 else 7000 end as prompt,
                                       case when agent_die < 0.54 then 420 when agent_die < 0.74 then 12 else 900 end as answer
                               ) as agents
            cross join lateral (select case when status_die < 0.955 then 'success' when status_die < 0.98 then 'aborted'
                                            when status_die < 0.998 then 'error' else 'interrupted' end as status,
                                       status_die < 0.98 or status_die > 0.998 as works) as statuses) as drawn
       cross join lateral (select least(cached_wish, input_tokens) as cached_tokens) as capped) as priced
    join plan.users using (n)`;

/**
 * Adds users, chats and finished calls, without triggers and checks of foreign keys: what triggers count is made by
 * `usage:rebuild` afterwards, as in a database that had no rollups yet.
 */
export async function addYear(databaseUrl: string, { rows, users, days }: Year): Promise<void> {
  const models = MODELS.map(([provider, model, percent], place) => ({ place, provider, model, percent }));
  const values = { users, days, rows, models: `'${JSON.stringify(models)}'`, writers: WRITERS };
  await run(databaseUrl, fill(PLAN, values));
  await run(databaseUrl, 'analyze plan.users; analyze plan.models');
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => run(databaseUrl, fill(ROWS, { ...values, writer }))),
  );
  // As autovacuum would have left them.
  await run(databaseUrl, 'vacuum (analyze) public.usage_logs');
}

/** The statements have no parameters: several of them go together. */
function fill(statements: string, values: Record<string, number | string>): string {
  return statements.replaceAll(/\$(\w+)/g, (_, name: string) => String(values[name]));
}

async function run(databaseUrl: string, statements: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(statements);
  } finally {
    await client.end();
  }
}
