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
/** Milliseconds between the messages of one user, so that the machine is not saturated. */
const PAUSE = 250;
const SECONDS = 2.5;

/**
 * The parts of the time to the first token when a model chooses the agent: the routing call, which a bare client also
 * makes, and the time that Switchboard adds.
 */
export async function measureRouting(stage: Stage): Promise<Figure[]> {
  const cases = CONNECTIONS.map((connections) => {
    const where = `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    return {
      connections,
      routed: new Figure(`first token, agent chosen by a model, ${where}, p50`, 'ms'),
      call: new Figure(`– the provider call alone, ${where}`, 'ms'),
      added: new Figure(`– added to a named agent, without that call, ${where}`, 'ms', [atMost(2.5, 'ms')]),
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
    // The reason starts with this text if no model chose the agent.
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
