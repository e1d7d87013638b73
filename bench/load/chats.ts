import { atLeast, atLeastShare, type Contender, Figure } from '../support/figures.js';
import { addTitledChats, type BenchUser } from '../support/seed.js';
import { contendersOf, databaseOf, eachRound, type Stage, withServers } from '../support/stage.js';
import { readToEnd, stampedTokens } from './answer.js';
import { closedLoop } from './closed-loop.js';
import { HttpClient } from './http-client.js';

const CONTENDERS: Contender[] = ['pass-through', 'Switchboard', 'Fastify + pg'];
const CONNECTIONS = 50;
const TEXT = stampedTokens(8);
/** More than can be used in a second. */
const TITLED_CHATS_PER_SECOND = 3_000;

/**
 * Whole chats per second: sends a message in a new chat and reads its answer to the end. This includes the title call,
 * which Fastify + pg also makes. It also measures chats that already have a title.
 */
export async function measureChats(stage: Stage): Promise<Figure[]> {
  const fresh = new Figure('whole chats, new, 50 connections', '/s', [
    atLeast(600, '/s'),
    atLeastShare(60, 'Fastify + pg'),
  ]);
  const titled = new Figure('whole chats, with a title already, 50 connections', '/s');
  const contenders = contendersOf(stage, CONTENDERS);
  const users = stage.seed.users.slice(0, CONNECTIONS);
  const seconds = stage.quick ? 2 : 3;

  await withServers(stage, contenders, async (servers) => {
    const clients = new Map(
      [...servers].map(([contender, { url }]) => [contender, new HttpClient(url, CONNECTIONS)]),
    );
    const run = async (contender: Contender, duration: number, ids?: Map<string, string[]>) => {
      const client = clients.get(contender)!;
      const { rate } = await closedLoop(CONNECTIONS, duration, (connection) =>
        chat(client, users[connection]!, ids),
      );
      return rate;
    };
    for (const contender of contenders) await run(contender, stage.quick ? 1.5 : 3);
    await eachRound(stage, contenders, async (contender) => {
      fresh.note(contender, await run(contender, seconds));
    });
    const each = Math.ceil((TITLED_CHATS_PER_SECOND * 2) / CONNECTIONS);
    await eachRound(stage, contendersOf(stage, ['Switchboard', 'Fastify + pg']), async (contender) => {
      const ids = await addTitledChats(databaseOf(stage, contender), users, each);
      titled.note(contender, await run(contender, 2, ids));
    });
    for (const client of clients.values()) client.close();
  });
  return [fresh, titled];
}

async function chat(client: HttpClient, user: BenchUser, ids?: Map<string, string[]>): Promise<number> {
  const response = await client.send(user, TEXT, ids?.get(user.id)?.pop());
  await readToEnd(response);
  return 1;
}
