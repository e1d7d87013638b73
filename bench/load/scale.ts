import { type Aim, Figure } from '../support/figures.js';
import { limitProcessor, type Release } from '../support/processor-share.js';
import { cpuSeconds, cpuSecondsWithChildren, type ServerProcess } from '../support/processes.js';
import { type Stage, startProduct } from '../support/stage.js';
import { readToEnd, stampedTokens } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const INSTANCES = [1, 2] as const;
/** Connections to each instance, as a round-robin balancer would spread them. */
const CONNECTIONS = 20;
/**
 * Of a core, for each instance. Without a limit, PostgreSQL and the load generator would take the processors that a second
 * instance needs, and the figures would be about this machine.
 */
const SHARE = 0.15;
const TEXT = stampedTokens(8);
const AIM: Aim = { text: 'at least 1.7', holds: (figure) => (figure.value('Switchboard') ?? 0) >= 1.7 };

interface Run {
  rate: number;
  /** Milliseconds of processor time for each request: of all instances, and of PostgreSQL. */
  server: number;
  postgres: number;
}

/** How much more two instances do than one: whole chats, and lists of chats. */
export async function measureScale(stage: Stage): Promise<Figure[]> {
  const servers: ServerProcess[] = [];
  const releases: Release[] = [];
  try {
    for (const _ of INSTANCES) servers.push(await startProduct(stage));
    const works = {
      'new chats with a title, 8 tokens': chat,
      'list of 20 of 1,000 chats': list,
    };
    for (const work of Object.values(works)) await measure(stage, servers, work, stage.quick ? 2 : 6);
    // Code is compiled by now, which would take very long with a share of a core.
    for (const { pid } of servers) {
      const release = limitProcessor(pid, SHARE);
      if (release) releases.push(release);
    }
    const isLimited = releases.length === servers.length;
    if (!isLimited)
      stage.log('Control groups are not available: instances, PostgreSQL and load compete for processors.');
    const figures: Figure[] = [];
    for (const [name, work] of Object.entries(works))
      figures.push(...(await compare(stage, servers, name, work, isLimited)));
    return figures;
  } finally {
    for (const release of releases) release();
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function compare(
  stage: Stage,
  servers: readonly ServerProcess[],
  name: string,
  work: Work,
  isLimited: boolean,
): Promise<Figure[]> {
  const limit = isLimited ? `, ${SHARE} of a core each` : '';
  const rates = INSTANCES.map(
    (count) => new Figure(`${name}, ${count} instance${count > 1 ? 's' : ''}${limit}`, '/s'),
  );
  const ratio = new Figure('– two instances / one', '×', [AIM]);
  const server = INSTANCES.map((count) => new Figure(`– processor time of the server, ${count}`, 'ms'));
  const postgres = INSTANCES.map((count) => new Figure(`– processor time of PostgreSQL, ${count}`, 'ms'));
  const seconds = stage.quick ? 3 : 8;
  for (let round = 0; round < stage.rounds; round++) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    const runs: Run[] = [];
    for (const index of order) {
      const run = await measure(stage, servers.slice(0, INSTANCES[index]), work, seconds);
      runs[index] = run;
      rates[index]!.note('Switchboard', run.rate);
      server[index]!.note('Switchboard', run.server);
      postgres[index]!.note('Switchboard', run.postgres);
    }
    ratio.note('Switchboard', runs[1]!.rate / runs[0]!.rate);
  }
  return [...rates, ratio, ...server, ...postgres];
}

type Work = (stage: Stage, client: HttpClient, connection: number) => Promise<void>;

async function measure(
  stage: Stage,
  servers: readonly ServerProcess[],
  work: Work,
  seconds: number,
): Promise<Run> {
  const clients = servers.map(({ url }) => new HttpClient(url, CONNECTIONS));
  const used = () => [
    servers.reduce((sum, { pid }) => sum + (cpuSeconds(pid) ?? NaN), 0),
    cpuSecondsWithChildren(stage.postgresPid) ?? NaN,
  ];
  const before = used();
  const { rate, values } = await closedLoop(CONNECTIONS * servers.length, seconds, async (connection) => {
    await work(stage, clients[connection % clients.length]!, connection);
    return 1;
  });
  const [server, postgres] = used().map((after, index) => ((after - before[index]!) * 1000) / values.length);
  for (const client of clients) client.close();
  return { rate, server: server!, postgres: postgres! };
}

async function chat({ seed }: Stage, client: HttpClient, connection: number): Promise<void> {
  await readToEnd(await client.send(seed.users[connection]!, TEXT));
}

async function list({ seed }: Stage, client: HttpClient): Promise<void> {
  await client.get('/api/chats?limit=20', seed.reader);
}
