import { deepStrictEqual } from 'node:assert/strict';
import { atLeastShare, type Contender, Figure } from '../support/figures.js';
import { contendersOf, eachRound, type Stage, withServers } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const CONTENDERS: Contender[] = ['Fastify + pg', 'Switchboard'];
const CONNECTIONS = 20;

/** Reading lists: the first page of 1,000 chats, and a chat of 50 messages. */
export async function measureLists(stage: Stage): Promise<Figure[]> {
  const { reader, longChatId } = stage.seed;
  const contenders = contendersOf(stage, CONTENDERS);
  const seconds = stage.quick ? 1 : 2;
  const lists = [
    { name: '20 of 1,000 chats', path: '/api/chats?limit=20', items: 20 },
    { name: '50 messages', path: `/api/chats/${longChatId}/messages?limit=50`, items: 50 },
  ].map((list) => ({
    ...list,
    rate: new Figure(`list of ${list.name}, ${CONNECTIONS} connections`, '/s', [
      atLeastShare(60, 'Fastify + pg'),
    ]),
    p99: new Figure(`list of ${list.name}, p99`, 'ms'),
  }));

  await withServers(stage, contenders, async (servers) => {
    const clients = new Map(
      [...servers].map(([contender, { url }]) => [contender, new HttpClient(url, CONNECTIONS)]),
    );
    for (const { path, items, rate, p99 } of lists) {
      const run = (contender: Contender, duration: number) =>
        closedLoop(CONNECTIONS, duration, async () => {
          const startedAt = performance.now();
          await clients.get(contender)!.get(path, reader);
          return performance.now() - startedAt;
        });
      await checkLists(clients.values(), path, items, stage);
      for (const contender of contenders) await run(contender, stage.quick ? 1 : 2);
      await eachRound(stage, contenders, async (contender) => {
        const { rate: done, values } = await run(contender, seconds);
        rate.note(contender, done);
        p99.note(contender, percentile(values, 0.99));
      });
    }
    for (const client of clients.values()) client.close();
  });
  return lists.flatMap(({ rate, p99 }) => [rate, p99]);
}

/**
 * All servers must return the same data, or they have not done the same work. Another revision may have an additional
 * field.
 */
async function checkLists(
  clients: Iterable<HttpClient>,
  path: string,
  count: number,
  { seed, other }: Stage,
): Promise<void> {
  const bodies: Array<{ items: unknown[] }> = [];
  for (const client of clients) {
    bodies.push(JSON.parse(await client.get(path, seed.reader)) as { items: unknown[] });
  }
  for (const { items } of bodies) {
    if (items.length !== count) throw new Error(`${path} has ${items.length} items, not ${count}`);
  }
  for (const body of other ? [] : bodies) deepStrictEqual(body, bodies[0]);
}
