import { setTimeout as sleep } from 'node:timers/promises';
import { atMostLater, type Contender, Figure } from '../support/figures.js';
import type { BenchUser } from '../support/seed.js';
import { contendersOf, eachRound, type Stage, withServers } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { readToEnd, StampReader, stampedTokens } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const CONTENDERS: Contender[] = ['pass-through', 'Switchboard'];
const BUSY = 100;
/** Answers at the speed of a model: 20 tokens per second. */
const PACED = stampedTokens(20, 50);
const AT_ONCE = stampedTokens(8);

/** The time from sending a message to reading the first token of its answer, in new chats. */
export async function measureFirstToken(stage: Stage): Promise<Figure[]> {
  const aim = [atMostLater(2.5, 'pass-through')];
  const cases = [
    { name: '1 connection', connections: 1, text: AT_ONCE, seconds: 2.5, aim },
    { name: '100 connections, 20 tokens/s each', connections: BUSY, text: PACED, seconds: 3, aim },
    { name: '100 connections without a pause', connections: BUSY, text: AT_ONCE, seconds: 2.5, aim: [] },
  ].map((scene) => ({
    ...scene,
    p50: new Figure(`first token, ${scene.name}, p50`, 'ms', scene.aim),
    p99: new Figure(`first token, ${scene.name}, p99`, 'ms'),
  }));
  const { users } = stage.seed;
  const contenders = contendersOf(stage, CONTENDERS);
  const shorten = stage.quick ? 0.5 : 1;

  await withServers(stage, contenders, async (servers) => {
    for (const { url } of servers.values()) await converse(url, users, 20, AT_ONCE, 3 * shorten);
    for (const { connections, text, seconds, p50, p99 } of cases) {
      await eachRound(stage, contenders, async (contender) => {
        const { url } = servers.get(contender)!;
        const times = await converse(url, users, connections, text, Math.max(2, seconds * shorten));
        p50.note(contender, percentile(times, 0.5));
        p99.note(contender, percentile(times, 0.99));
      });
    }
  });
  return cases.flatMap(({ p50, p99 }) => [p50, p99]);
}

/** Runs chats on several connections at once. @returns the times to the first token in milliseconds */
async function converse(
  url: string,
  users: readonly BenchUser[],
  connections: number,
  text: string,
  seconds: number,
): Promise<number[]> {
  const client = new HttpClient(url, connections);
  const begun = new Set<number>();
  const { values } = await closedLoop(connections, seconds, async (connection) => {
    if (!begun.has(connection)) {
      begun.add(connection);
      // Users do not all start at the same moment.
      if (text === PACED) await sleep((connection / connections) * 1000);
    }
    return timeToFirstToken(client, users[connection]!, text);
  });
  client.close();
  return values;
}

async function timeToFirstToken(client: HttpClient, user: BenchUser, text: string): Promise<number> {
  const startedAt = performance.now();
  const response = await client.send(user, text);
  const reader = new StampReader();
  let time: number | undefined;
  await readToEnd(response, (piece) => {
    if (time === undefined && reader.read(piece).length > 0) time = performance.now() - startedAt;
  });
  if (time === undefined) throw new Error('an answer had no token');
  return time;
}
