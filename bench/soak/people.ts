import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readToEnd, stampedTokens } from '../load/answer.js';
import { HttpClient } from '../load/http-client.js';
import type { BenchUser } from '../support/seed.js';

/** What a person does next, and how often of 100 times. */
const HABITS = [
  ['short answer', 34],
  ['long answer', 14],
  ['resume', 10],
  ['stop', 10],
  ['edit', 8],
  ['regenerate', 4],
  ['list of chats', 8],
  ['messages', 6],
  ['report', 4],
  ['leave', 2],
] as const;
type Habit = (typeof HABITS)[number][0];

/** Tokens come every 50 ms. A long answer takes 15 seconds. */
const SHORT = stampedTokens(12, 50);
const LONG = stampedTokens(300, 50);

/** Counts of what people did. */
export type Deeds = Map<string, number>;

/** People who use the servers in all ways, with pauses, until they are told to end. */
export class People {
  readonly deeds: Deeds = new Map();
  readonly failures = new Map<string, number>();
  private isEnding = false;
  private readonly clients: HttpClient[];
  private readonly going: Array<Promise<void>>;

  /** @param urls of the servers, which are used in turn */
  constructor(urls: readonly string[], users: readonly BenchUser[]) {
    this.clients = urls.map((url) => new HttpClient(url, Infinity));
    this.going = users.map((user, index) => this.live(user, index));
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.all(this.going);
    for (const client of this.clients) client.close();
  }

  private async live(user: BenchUser, index: number): Promise<void> {
    await sleep(Math.random() * 5_000);
    let chatId: string = randomUUID();
    let messages = 0;
    for (let turn = index; !this.isEnding; turn++) {
      // Chats have about eight messages, so prompts do not grow without end.
      if (messages >= 8) {
        chatId = randomUUID();
        messages = 0;
      }
      const habit = choose();
      const client = this.clients[turn % this.clients.length]!;
      const other = this.clients[(turn + 1) % this.clients.length]!;
      try {
        messages += await act(habit, { client, other, user, chatId });
        this.count(this.deeds, habit);
      } catch (error) {
        this.count(this.failures, `${habit}: ${String(error).replaceAll(/[0-9a-f-]{36}|\d+/g, '…')}`);
      }
      await sleep(500 + Math.random() * 2_500);
    }
  }

  private count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

function choose(): Habit {
  let rest = Math.random() * 100;
  for (const [habit, share] of HABITS) if ((rest -= share) < 0) return habit;
  return 'short answer';
}

interface Moment {
  client: HttpClient;
  /** The next instance. */
  other: HttpClient;
  user: BenchUser;
  chatId: string;
}

/** @returns how many messages the chat has more */
async function act(habit: Habit, { client, other, user, chatId }: Moment): Promise<number> {
  const message = (text: string, id: string = randomUUID()) => ({
    id,
    role: 'user',
    parts: [{ type: 'text', text }],
  });
  const send = (text: string, id?: string) =>
    client.post(user, { id: chatId, agent: 'chat', message: message(text, id) });
  switch (habit) {
    case 'short answer':
      await readToEnd(await send(SHORT));
      return 2;
    case 'long answer':
      await readToEnd(await send(LONG));
      return 2;
    case 'resume': {
      const answer = await send(LONG);
      await new Promise((resolve) => answer.once('data', resolve));
      await sleep(1_000);
      answer.destroy();
      const resumed = await other.resume(user, chatId);
      await readToEnd(resumed);
      return 2;
    }
    case 'stop': {
      const answer = await send(LONG);
      const ended = new Promise((resolve) => answer.once('close', resolve));
      answer.resume();
      await sleep(1_500);
      await other.postJson(`/api/chat/${chatId}/stop`, user);
      await ended;
      return 2;
    }
    case 'edit': {
      const id = randomUUID();
      await readToEnd(await send(SHORT, id));
      await readToEnd(await send(`Again. ${SHORT}`, id));
      return 2;
    }
    case 'regenerate':
      await readToEnd(await send(SHORT));
      await readToEnd(await client.post(user, { id: chatId, agent: 'chat', trigger: 'regenerate-message' }));
      return 2;
    case 'list of chats':
      await client.get('/api/chats?limit=20', user);
      return 0;
    case 'messages':
      await readToEnd(await send(SHORT));
      await client.get(`/api/chats/${chatId}/messages?limit=50`, user);
      return 2;
    case 'report':
      await client.get('/api/usage/summary', user);
      return 0;
    case 'leave': {
      const answer = await send(LONG);
      answer.destroy();
      // The answer goes on without its reader.
      await sleep(16_000);
      return 2;
    }
  }
}
