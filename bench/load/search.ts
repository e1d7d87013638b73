import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { atMost, Figure } from '../support/figures.js';
import { cpuSeconds, cpuSecondsWithChildren } from '../support/processes.js';
import { databaseOf, type Product, productsOf, type Stage, startProduct } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { HttpClient } from './http-client.js';
import { addConversations, PLANTED } from './search-rows.js';

const MESSAGES = 400_000;
/** They have a quarter as many together. */
const OTHER_USERS = 50;
const INSERTS = 4_000;

/** What is looked for, and how many chats a first page has of it. */
const SEARCHES = [
  { name: 'a rare word', q: PLANTED.rare, found: 1, aim: 50 },
  { name: 'a word with an accent, two normal forms', q: PLANTED.composed, found: 1, aim: 50 },
  { name: 'the same, decomposed', q: PLANTED.decomposed, found: 1, aim: 50 },
  { name: 'the same, without its accent', q: 'zurich', found: 1, aim: 50 },
  { name: 'two ideographs', q: PLANTED.ideographs, found: 1, aim: 50 },
  { name: 'one ideograph', q: PLANTED.ideographs.slice(0, 1), found: 1, aim: 50 },
  { name: 'an emoji', q: PLANTED.emoji, found: 1, aim: 50 },
  { name: 'a Hebrew word', q: PLANTED.hebrew, found: 1, aim: 50 },
  { name: 'wildcards', q: PLANTED.wildcards, found: 1, aim: 50 },
  { name: 'a long sentence', q: PLANTED.sentence, found: 1, aim: 50 },
  { name: 'a word that does not occur', q: 'xylophantic', found: 0, aim: 50 },
  { name: 'the same, of frequent syllables', q: 'chanterostibament', found: 0 },
  { name: 'two letters that do not occur', q: 'zq', found: 0, aim: 50 },
  { name: 'a word in 1 % of the messages', q: PLANTED.common, found: 20 },
  { name: 'a word in the older half', q: PLANTED.old, found: 20 },
  { name: 'a frequent word', q: 'ba', found: 20 },
  { name: 'one letter', q: 'e', found: 20 },
];

/** Searching the chats of a user with 400,000 messages, and what it costs to keep that fast. */
export async function measureSearch(stage: Stage): Promise<Figure[]> {
  const messages = stage.quick ? MESSAGES / 10 : MESSAGES;
  const figures: Figure[] = [];
  for (const product of productsOf(stage)) {
    const client = new pg.Client(databaseOf(stage, product));
    await client.connect();
    try {
      await measureProduct(stage, product, client, messages, (label, unit, value, aim) => {
        let figure = figures.find((other) => other.label === label);
        if (!figure) figures.push((figure = new Figure(label, unit, aim ? [atMost(aim, unit)] : [])));
        figure.note(product, value);
      });
    } finally {
      await client.end();
    }
  }
  return figures;
}

type Note = (label: string, unit: string, value: number | undefined, aim?: number) => void;

async function measureProduct(
  stage: Stage,
  product: Product,
  client: pg.Client,
  messages: number,
  note: Note,
): Promise<void> {
  const { reader, users } = stage.seed;
  stage.log(
    `${messages.toLocaleString('en-US')} messages of one user, a quarter as many of ${OTHER_USERS} others`,
  );
  const { shortChatId, longChatId } = await addConversations(client, {
    userId: reader.id,
    messages,
    planted: true,
  });
  for (const { id } of users.slice(0, OTHER_USERS)) {
    await addConversations(client, { userId: id, messages: messages / 4 / OTHER_USERS });
  }
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('switchboard.search_due') is not null as there`,
  );
  const hasIndex = rows[0]?.there ?? false;
  const server = await startProduct(stage, product);
  const http = new HttpClient(server.url, 1);
  try {
    if (hasIndex) {
      const before = [cpuSeconds(server.pid), cpuSecondsWithChildren(stage.postgresPid)];
      await untilIndexed(client);
      const after = [cpuSeconds(server.pid), cpuSecondsWithChildren(stage.postgresPid)];
      for (const [index, name] of ['the server', 'PostgreSQL'].entries()) {
        const seconds = (after[index] ?? NaN) - (before[index] ?? NaN);
        note(`indexing a message, processor time of ${name}`, 'µs', (seconds * 1e6) / (messages * 1.25));
      }
    }
    await client.query('vacuum analyze');
    if (hasIndex) await noteSizes(client, note);

    const rounds = stage.quick ? 5 : 30;
    const measure = async (path: string, found: number | undefined) => {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const startedAt = performance.now();
        const body = await http.get(path, reader);
        times.push(performance.now() - startedAt);
        const { items } = JSON.parse(body) as { items: unknown[] };
        if (found !== undefined && items.length !== found && product === 'Switchboard') {
          throw new Error(`${path} has ${items.length} items, not ${found}`);
        }
      }
      return times.slice(1);
    };
    for (const { name, q, found, aim } of SEARCHES) {
      const before = cpuSecondsWithChildren(stage.postgresPid) ?? NaN;
      const times = await measure(`/api/chats?q=${encodeURIComponent(q)}`, found);
      const used = (cpuSecondsWithChildren(stage.postgresPid) ?? NaN) - before;
      note(`search for ${name}, p50`, 'ms', percentile(times, 0.5), aim);
      note(`search for ${name}, p95`, 'ms', percentile(times, 0.95));
      note(`search for ${name}, processor time of PostgreSQL`, 'ms', (used * 1000) / rounds);
    }
    for (const [name, path] of [
      ['20 chats without a search', '/api/chats?limit=20'],
      ['10 messages of a chat of 10', `/api/chats/${shortChatId}/messages?limit=10`],
      ['10 messages of a chat of 10,000', `/api/chats/${longChatId}/messages?limit=10`],
      ['a chat of 10', `/api/chats/${shortChatId}`],
      ['a chat of 10,000', `/api/chats/${longChatId}`],
    ] as const) {
      const times = path.includes('?')
        ? await measure(path, undefined)
        : await timesOf(() => http.get(path, reader));
      note(`reading ${name}, p50`, 'ms', percentile(times, 0.5));
    }
  } finally {
    http.close();
    await server.stop();
  }
  if (hasIndex) await measureInserts(stage, client, users[0]!.id, note);
}

async function timesOf(work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < 30; round++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return times.slice(1);
}

async function untilIndexed(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ due: number }>(
      'select count(*)::integer as due from switchboard.search_due',
    );
    if (rows[0]?.due === 0) return;
    await sleep(250);
  }
}

async function noteSizes(client: pg.Client, note: Note): Promise<void> {
  const { rows } = await client.query<{ messages: number; index: number; pending: number }>(
    `select pg_total_relation_size('public."Message_v2"') / 1048576.0 as messages,
            pg_total_relation_size('switchboard.search_groups') / 1048576.0 as index,
            pg_total_relation_size('switchboard.search_pending') / 1048576.0 as pending`,
  );
  for (const [name, value] of Object.entries(rows[0]!)) note(`size of ${name}`, 'MB', Number(value));
}

/** The statement of a turn that stores a question and an empty answer, with the triggers of the index and without. */
async function measureInserts(stage: Stage, client: pg.Client, userId: string, note: Note): Promise<void> {
  const chatId = randomUUID();
  await client.query('insert into chat (id, user_id) values ($1, $2)', [chatId, userId]);
  const run = async (enabled: boolean) => {
    await client.query(
      `alter table "Message_v2" ${enabled ? 'enable' : 'disable'} trigger message_search_added`,
    );
    const before = cpuSecondsWithChildren(stage.postgresPid) ?? NaN;
    for (let n = 0; n < INSERTS; n++) {
      await client.query({
        name: 'insert',
        text: `with answer as (
                 insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
                 values ($2, $1, 'assistant', '[]', '[]', now(), 'streaming'))
               insert into "Message_v2" (id, "chatId", role, parts, attachments, "createdAt", status)
               values ($3, $1, 'user', $4, '[]', now(), 'complete')`,
        values: [chatId, randomUUID(), randomUUID(), '[{"type":"text","text":"How do I grow tomatoes?"}]'],
      });
    }
    return (((cpuSecondsWithChildren(stage.postgresPid) ?? NaN) - before) * 1e6) / INSERTS;
  };
  await run(true);
  for (let round = 0; round < stage.rounds; round++) {
    const without = await run(false);
    const own = await run(true);
    note('storing a question and its answer, PostgreSQL, without the index', 'µs', without);
    note('storing a question and its answer, PostgreSQL', 'µs', own);
    note('– ratio', '×', own / without);
  }
}
