import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyDatabase } from '../../src/common/database/verify/verify-database.js';
import type { ServerProcess } from '../support/server-process.js';
import { gauge } from '../support/turns.js';
import { usageDifferences } from '../support/usage-sums.js';
import type { Turn } from './load.js';
import type { Stage } from './stage.js';

/** What has not moved for so long is stuck. */
const SETTLING = 15_000;
/** Of a machine that is so busy that things move slowly. */
const LONGEST_SETTLING = 90_000;
/** Connections that clients keep open, and those of the pool. */
const SPARE_HANDLES = 160;
const SPARE_MEMORY = 250 * 1024 ** 2;

/** What a server uses while nothing happens. */
export interface Footprint {
  handles: number;
  memory: number;
}

/** What the checks look at. */
export type Examined = Pick<Stage, 'database' | 'servers' | 'ended' | 'output'>;

export interface Findings {
  /** Acknowledged messages that are not stored once, with an answer. */
  lost: string[];
  /** What has not ended. */
  stuck: string[];
  /** Everything else that is wrong. */
  others: string[];
}

/** Checks a stage after a fault, when all clients have their answers. */
export async function examine(
  stage: Examined,
  turns: readonly Turn[],
  before: Map<ServerProcess, Footprint>,
  { refusesCalls, settling = SETTLING }: { refusesCalls: boolean; settling?: number },
): Promise<Findings> {
  const stuck = await untilSettled(stage, before, settling);
  const others = [
    ...(await booksOf(stage)),
    ...(await limitsOf(stage, refusesCalls)),
    ...(await verifyDatabase({ url: stage.database.url })),
    ...stage.ended.splice(0),
  ];
  if (/unhandled|uncaught/i.test(stage.output())) others.push('a server printed an unhandled error');
  return { lost: await lostOf(stage, turns), stuck, others };
}

/** Waits until nothing runs any more. @returns what does not go away */
async function untilSettled(
  stage: Examined,
  before: Map<ServerProcess, Footprint>,
  settling: number,
): Promise<string[]> {
  const latest = Date.now() + LONGEST_SETTLING;
  let deadline = Date.now() + settling;
  for (let last = ''; ; await sleep(200)) {
    const running = await leftInDatabase(stage);
    const left = [...running, ...(await leftInServers(stage, before))];
    if (last !== '' && running.length > 0 && last !== running.join()) deadline = Date.now() + settling;
    last = running.join();
    if (left.length === 0 || Date.now() > Math.min(deadline, latest)) return left;
  }
}

async function leftInDatabase({ database }: Pick<Stage, 'database'>): Promise<string[]> {
  const [row] = await database.query(
    `select (select count(*) from "Message_v2" where status = 'streaming')::int as "streaming answers",
            (select count(*) from "Stream")::int as "marks of streams",
            (select count(*) from switchboard.runs)::int as "reservations"`,
  );
  return Object.entries((row ?? {}) as Record<string, number>)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
}

async function leftInServers(stage: Examined, before: Map<ServerProcess, Footprint>): Promise<string[]> {
  const left: string[] = [];
  for (const server of stage.servers) {
    for (const name of [
      'switchboard_active_streams',
      'switchboard_stream_readers',
      'switchboard_database_connections_waiting',
    ]) {
      const value = await gauge(server, name).catch(() => 'no answer');
      if (value !== 0) left.push(`${name}: ${value}`);
    }
    const base = before.get(server);
    if (!base) continue;
    const { handles, memory } = footprintOf(server);
    if (handles > base.handles + SPARE_HANDLES) left.push(`${handles} open handles after ${base.handles}`);
    if (memory > base.memory + SPARE_MEMORY)
      left.push(`${Math.round(memory / 1024 ** 2)} MB after ${Math.round(base.memory / 1024 ** 2)} MB`);
  }
  return left;
}

export function footprintOf({ process: child }: ServerProcess): Footprint {
  if (process.platform !== 'linux' || child.pid === undefined) return { handles: 0, memory: 0 };
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return {
    handles: readdirSync(`/proc/${child.pid}/fd`).length,
    memory: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024,
  };
}

/** Each acknowledged question is there once, and has one answer; an answer that was told finished is there as told. */
async function lostOf({ database }: Pick<Stage, 'database'>, turns: readonly Turn[]): Promise<string[]> {
  const rows = await database.query(
    `select id, "chatId", role, status, parts::text as parts,
            coalesce((select string_agg(part ->> 'text', '' order by place)
                        from json_array_elements(parts) with ordinality as each (part, place)
                       where part ->> 'type' = 'text'), '') as text
       from "Message_v2" where "chatId" = any($1::uuid[])`,
    [[...new Set(turns.map(({ chatId }) => chatId))]],
  );
  const questions = new Map<string, typeof rows>();
  const answers = new Map<string, typeof rows>();
  for (const row of rows) {
    const mark = /@[0-9a-f-]{36}@/.exec(row.text as string)?.[0] ?? '';
    const list = row.role === 'user' ? questions : answers;
    list.set(mark, [...(list.get(mark) ?? []), row]);
  }
  return turns
    .filter(({ isDisturbed }) => !isDisturbed)
    .flatMap((turn) => {
      const { isAcknowledged, told, mark, words } = turn;
      const asked = questions.get(mark) ?? [];
      const answered = answers.get(mark) ?? [];
      if (asked.length > 1) return [`a question is stored ${asked.length} times`];
      if (answered.length > 1) return [`a question has ${answered.length} answers`];
      if (!isAcknowledged && !told) return [];
      if (asked.length === 0) return ['an acknowledged question is not stored'];
      if (told === undefined) return [];
      if (turn.isSpoiled) {
        const isStored = rows.some(
          ({ chatId, text, status }) =>
            chatId === turn.chatId && text === told.text && status === told.status,
        );
        return isStored ? [] : [`a spoiled answer is not stored that was told ${told.status}`];
      }
      const [answer] = answered;
      if (!answer) return told.text === '' ? [] : [`an answer is not stored that was told ${told.status}`];
      if (answer.status !== told.status)
        return [`an answer is ${answer.status}, and was told ${told.status}`];
      if (answer.text !== told.text) return ['an answer is not stored as it was read'];
      if (told.status === 'complete' && told.text !== words.join('')) return ['a complete answer has gaps'];
      return [];
    });
}

/** Usage, messages, totals and spending say the same. */
async function booksOf({ database }: Pick<Stage, 'database'>): Promise<string[]> {
  const [counts] = await database.query(
    `with calls as (
       select chat_id, metadata ->> 'messageId' as message_id, input_tokens as input, output_tokens as output, total_cost as cost
         from usage_logs)
     select (select count(*) from chat left join
              (select chat_id, sum(input) as input, sum(output) as output, sum(cost) as cost from calls group by chat_id) sums
                on sums.chat_id = chat.id
              where (total_input_tokens, total_output_tokens, chat.total_cost)
                    is distinct from (coalesce(input, 0), coalesce(output, 0), coalesce(cost, 0)))::int
              as "chats whose totals differ from their calls",
            (select count(*) from "Message_v2" message left join
              (select message_id, sum(input) as input, sum(output) as output, sum(cost) as cost from calls group by message_id) sums
                on sums.message_id = message.id::text
              where message.role = 'assistant' and (input_tokens, output_tokens, message.cost)
                    is distinct from (coalesce(input, 0), coalesce(output, 0), coalesce(sums.cost, 0)))::int
              as "answers whose figures differ from their calls",
            (select count(*) from (
              select user_id, sum(cost) as spent from switchboard.daily_spending group by user_id) spending
              full join (select user_id, sum(total_cost) as spent from usage_logs group by user_id) sums using (user_id)
              where coalesce(spending.spent, 0) <> coalesce(sums.spent, 0))::int
              as "users whose spending differs from their calls"`,
  );
  const wrong = Object.entries((counts ?? {}) as Record<string, number>)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  const differences = await usageDifferences(database);
  return differences.length > 0 ? [...wrong, 'rollups differ from the calls'] : wrong;
}

/**
 * Every admitted turn is counted once: at least the stored answers whose call did something, at most all that made one. A
 * turn that could not be stored may have made a call, and counts for no limit.
 */
async function limitsOf({ database }: Pick<Stage, 'database'>, refusesCalls: boolean): Promise<string[]> {
  const rows = await database.query(
    `select used.user_id, coalesce(counted.count, 0)::int as counted, used.least::int, used.most::int
       from (select user_id,
                    count(distinct calls.metadata ->> 'messageId') filter (where calls.metadata ->> 'status' <> 'error' and message.id is not null) as least,
                    count(distinct calls.metadata ->> 'messageId') as most
               from usage_logs calls left join "Message_v2" message on message.id::text = calls.metadata ->> 'messageId'
              where calls.metadata ->> 'purpose' = 'answer' group by user_id) used
       left join (select user_id, sum(request_count) as count from rate_limit_tracking
                   where limit_type = 'hourly' and agent_type = 'chat' group by user_id) counted using (user_id)
      where coalesce(counted.count, 0) < used.least or coalesce(counted.count, 0) > used.most`,
  );
  return refusesCalls
    ? []
    : rows.map(
        ({ counted, least, most }) => `a user's limit counted ${counted} turns of ${least} to ${most}`,
      );
}
