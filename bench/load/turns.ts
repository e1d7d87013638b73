import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, Figure } from '../support/figures.js';
import { cpuSeconds, cpuSecondsWithChildren } from '../support/processes.js';
import { contendersOf, eachRound, inTurn, type Stage, withServers } from '../support/stage.js';
import { readToEnd, stampedTokens } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const CONTENDERS: Contender[] = ['Switchboard', 'Fastify + pg'];
const CONNECTIONS = [20, 50];
const TEXT = stampedTokens(20);
/** Each server warms up twice for this long. A turn costs far more processor time until its code is compiled. */
const WARM_UP_SECONDS = 6;
/** Work that follows the turns, such as adding usage to the rollups, counts as their cost. */
const SETTLING_MS = 1_500;

interface Run {
  rate: number;
  /** Milliseconds of processor time per turn. */
  server?: number;
  postgres?: number;
}

/** The work of a turn: a message in a new chat, its title, and an answer of 20 tokens. */
export async function measureTurns(stage: Stage): Promise<Figure[]> {
  const contenders = contendersOf(stage, CONTENDERS);
  const cases = CONNECTIONS.map((connections) => ({
    connections,
    rate: new Figure(`new chats with a title, 20 tokens, ${connections} connections`, '/s'),
    server: new Figure(`– processor time of the server per turn, ${connections} connections`, 'ms'),
    postgres: new Figure(`– processor time of PostgreSQL per turn, ${connections} connections`, 'ms'),
  }));
  const seconds = stage.quick ? 3 : 6;

  await withServers(stage, contenders, async (servers) => {
    const run = async (contender: Contender, connections: number, duration: number): Promise<Run> => {
      const { url, pid } = servers.get(contender)!;
      const client = new HttpClient(url, connections);
      const read = () => [cpuSeconds(pid), cpuSecondsWithChildren(stage.postgresPid)] as const;
      const before = read();
      const { rate, values } = await closedLoop(connections, duration, async (connection) => {
        await readToEnd(await client.send(stage.seed.users[connection]!, TEXT));
        return 1;
      });
      await sleep(SETTLING_MS);
      const [server, postgres] = read().map((after, index) => {
        const start = before[index];
        return after === undefined || start === undefined
          ? undefined
          : ((after - start) * 1000) / values.length;
      });
      client.close();
      return { rate, server, postgres };
    };
    for (const round of [0, 1]) {
      for (const contender of inTurn(contenders, round)) await run(contender, 50, WARM_UP_SECONDS);
    }
    for (const { connections, rate, server, postgres } of cases) {
      await eachRound(stage, contenders, async (contender) => {
        const result = await run(contender, connections, seconds);
        rate.note(contender, result.rate);
        server.note(contender, result.server);
        postgres.note(contender, result.postgres);
      });
    }
  });
  return cases.flatMap(({ rate, server, postgres }) => [rate, server, postgres]);
}
