import type { SqlFunction } from '../sql-functions.js';

/** The largest values that the columns hold. Larger values are cut to these: no sum may make the end of a call fail. */
const LARGEST_COUNT = '2147483647';
const LARGEST_COST = '9999.999999';

/** Converted to numeric first, because a provider can report any number. */
const count = (value: string) =>
  `least(${LARGEST_COUNT}, greatest(0, coalesce(${value}, 0)::numeric))::integer`;
const cost = (value: string) => `least(${LARGEST_COST}, greatest(0, coalesce(${value}, 0)::numeric))`;

/**
 * Writes rows for calls of a run that have ended. Returns the sums of all of them, and the sums of the calls that
 * belong to one answer. The same statement adds these to the figures of the chat and of the message. A call that is
 * already booked adds nothing, so the statement may be repeated. Rows are written in the same order everywhere:
 * spending is counted by agent, and two runs must not wait for each other.
 *
 * The row of the user is locked first. A deletion of the user locks it first as well, so the two never wait for each other.
 * The chat may be being deleted. The statement then waits for that and books the calls without the chat.
 *
 * The row of the run keeps the remaining calls. If there are none (`calls_left` is null), the row is deleted. A run
 * that has ended reserves nothing.
 */
export const BOOK_CALLS: SqlFunction = {
  signature: 'switchboard.book_calls(jsonb, uuid, uuid, jsonb, boolean)',
  definition: `
  create or replace function switchboard.book_calls(
    calls jsonb, answer uuid, run_id uuid, calls_left jsonb, is_over boolean,
    out input_tokens bigint, out output_tokens bigint, out cost numeric,
    out answer_input_tokens bigint, out answer_output_tokens bigint, out answer_cost numeric
  ) language plpgsql set search_path = '' as $fn$
  #variable_conflict use_column
  begin
    perform from auth.users person where person.id = (calls -> 0 ->> 'userId')::uuid for key share;
    if calls_left is not null then
      update switchboard.runs
         set calls = calls_left, reserved_cost = case when is_over then 0 else reserved_cost end where id = run_id;
    elsif run_id is not null then
      delete from switchboard.runs where id = run_id;
    end if;
    with booked as (
      insert into public.usage_logs
        (id, user_id, chat_id, agent_type, model_used, provider, input_tokens, output_tokens, total_tokens,
         input_cost, output_cost, total_cost, request_timestamp, response_timestamp, duration_ms, metadata)
      select call.id, call."userId", (select chat.id from public.chat where chat.id = call."chatId" for key share), call."agentType",
             left(call.model, 200), left(call.provider, 64),
             ${count('call."inputTokens"')}, ${count('call."outputTokens"')},
             ${count('call."inputTokens" + call."outputTokens"')},
             ${cost('call."inputCost"')}, ${cost('call."outputCost"')}, ${cost('call."totalCost"')},
             call."requestedAt", call."respondedAt", ${count('call."durationMs"')}, call.metadata
        from jsonb_to_recordset(calls) as call (
               id uuid, "userId" uuid, "chatId" uuid, "agentType" varchar, model varchar, provider varchar,
               "inputTokens" numeric, "outputTokens" numeric, "inputCost" numeric, "outputCost" numeric, "totalCost" numeric,
               "requestedAt" timestamptz, "respondedAt" timestamptz, "durationMs" numeric, metadata jsonb)
       order by call."agentType"
      on conflict (id) do nothing
      returning usage_logs.input_tokens as input, usage_logs.output_tokens as output, usage_logs.total_cost as spent,
                usage_logs.metadata ->> 'messageId' = answer::text as is_of_answer
    )
    select coalesce(sum(input), 0), coalesce(sum(output), 0), coalesce(sum(spent), 0),
           coalesce(sum(input) filter (where is_of_answer), 0), coalesce(sum(output) filter (where is_of_answer), 0),
           coalesce(sum(spent) filter (where is_of_answer), 0)
      into book_calls.input_tokens, book_calls.output_tokens, book_calls.cost,
           book_calls.answer_input_tokens, book_calls.answer_output_tokens, book_calls.answer_cost
      from booked;
  end $fn$`,
};
