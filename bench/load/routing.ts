import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Upstream } from '../reference/upstream.js';
import { atMost, Figure } from '../support/figures.js';
import type { BenchUser } from '../support/seed.js';
import { eachRound, type Product, productsOf, type Stage, withServers } from '../support/stage.js';
import { percentile } from '../support/statistics.js';
import { readToEnd } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const TEXT = 'Tell me something.';
const CONNECTIONS = [1, 20];
/** Between the messages of one of several people, in milliseconds: the machine is not to be full. */
const PAUSE = 250;
const SECONDS = 2.5;

/**
 * What the first token waits for when a model chooses the agent: its call, which a bare client makes beside it, and what
 * Switchboard adds to that.
 */
export async function measureRouting(stage: Stage): Promise<Figure[]> {
  const cases = CONNECTIONS.map((connections) => {
    const where = `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    return {
      connections,
      routed: new Figure(`first token, agent chosen by a model, ${where}, p50`, 'ms'),
      call: new Figure(`– of which the bare call of the provider, ${where}`, 'ms'),
      added: new Figure(`– added to a named agent beside that call, ${where}`, 'ms', [atMost(2.5, 'ms')]),
    };
  });
  const upstream = new Upstream(stage.upstreamUrl);
  const { users } = stage.seed;
  const seconds = stage.quick ? SECONDS / 2 : SECONDS;

  const products = productsOf(stage);
  await withServers(stage, products, async (servers) => {
    const converse = async (product: Product, connections: number, agent: 'chat' | 'auto') => {
      const client = new HttpClient(servers.get(product)!.url, connections);
      const { values } = await closedLoop(connections, seconds, async (connection) => {
        if (connections > 1) await sleep(PAUSE * (0.5 + Math.random()));
        return timeToFirstToken(client, users[connection]!, agent);
      });
      client.close();
      return percentile(values, 0.5);
    };
    for (const product of products) {
      for (const agent of ['chat', 'auto'] as const) await converse(product, 20, agent);
      for (const agent of ['chat', 'auto'] as const) await converse(product, 1, agent);
    }
    for (const { connections, routed, call, added } of cases) {
      await eachRound(stage, products, async (product) => {
        const named = await converse(product, connections, 'chat');
        const chosen = await converse(product, connections, 'auto');
        const { values } = await closedLoop(connections, seconds / 2, () => timeOf(upstream.route(TEXT)));
        const bare = percentile(values, 0.5);
        routed.note(product, chosen);
        call.note(product, bare);
        added.note(product, chosen - named - bare);
      });
    }
  });
  return cases.flatMap(({ routed, call, added }) => [routed, call, added]);
}

async function timeToFirstToken(
  client: HttpClient,
  user: BenchUser,
  agent: 'chat' | 'auto',
): Promise<number> {
  const startedAt = performance.now();
  const response = await client.send(user, TEXT, randomUUID(), agent);
  let time: number | undefined;
  let isRouted = true;
  await readToEnd(response, (piece) => {
    // So begins the reason when no model has chosen.
    if (agent === 'auto' && piece.includes('"reason":"Routing')) isRouted = false;
    if (time === undefined && piece.includes('"type":"text-delta"')) time = performance.now() - startedAt;
  });
  if (time === undefined || !isRouted) throw new Error('an answer had no token, or its agent was not chosen');
  return time;
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}
