import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchUser } from '../support/seed.js';

/** The number of users at the busiest moment. */
const PEOPLE = 36;

interface Model {
  id: string;
  /** How often it is chosen, relative to the others. */
  share: number;
  /** Milliseconds to the first token, and between two tokens. */
  first: number;
  pace: number;
  /** Share of the input that the vendor has cached, and share of the output that is reasoning. */
  cached: number;
  thoughts: number;
}

const MODELS: Model[] = [
  { id: 'google/gemini-3.8-flash', share: 8, first: 350, pace: 14, cached: 0.3, thoughts: 0.3 },
  { id: 'google/gemini-4-argon', share: 3, first: 1_400, pace: 24, cached: 0.2, thoughts: 0.6 },
  { id: 'openai/gpt-6-luna', share: 5, first: 450, pace: 16, cached: 0.5, thoughts: 0 },
  { id: 'openai/gpt-6.1-terra', share: 2, first: 1_900, pace: 18, cached: 0.4, thoughts: 0.5 },
  { id: 'anthropic/claude-sonnet-5-5', share: 4, first: 900, pace: 22, cached: 0.7, thoughts: 0 },
  { id: 'anthropic/claude-haiku-5-5', share: 2, first: 500, pace: 12, cached: 0.6, thoughts: 0 },
];
const CHOICES = MODELS.flatMap((model) => Array.from({ length: model.share }, () => model));

/**
 * Simulates users who send messages, read lists, stop answers and leave. More of them are active in the middle of the
 * run.
 */
export async function simulateUsers(
  servers: string[],
  users: BenchUser[],
  minutes: number,
): Promise<Record<string, number>> {
  const begun = Date.now();
  const end = begun + minutes * 60_000;
  const counts: Record<string, number> = {};
  const person = async (index: number): Promise<void> => {
    const user = users[index]!;
    const server = servers[index % servers.length]!;
    while (Date.now() < end) {
      await sleep(between(500, 4_000));
      if (index > PEOPLE * activeShare((Date.now() - begun) / (end - begun))) continue;
      const outcome = await act(server, user).catch((error: unknown) => String(error));
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: PEOPLE }, (_, index) => person(index)));
  return counts;
}

/** The share of the users that is active: it rises, has a dip, and reaches 1 once. */
function activeShare(progress: number): number {
  return 0.35 + 0.45 * Math.sin(Math.PI * progress) + 0.2 * Math.sin(progress * 5 * Math.PI);
}

async function act(server: string, user: BenchUser): Promise<string> {
  const headers = { authorization: `Bearer ${user.token}` };
  const dice = Math.random();
  if (dice < 0.25) {
    const path = dice < 0.15 ? '/api/chats' : dice < 0.2 ? '/api/documents' : `/api/chats/${randomUUID()}`;
    const response = await fetch(`${server}${path}`, { headers });
    await response.arrayBuffer();
    return `GET ${response.status}`;
  }
  const model = CHOICES[Math.floor(Math.random() * CHOICES.length)]!;
  const id = randomUUID();
  const leaving = new AbortController();
  const response = await fetch(`${server}/api/chat`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      id,
      model: model.id,
      agent: Math.random() < 0.2 ? 'artifact' : 'chat',
      message: { id: randomUUID(), role: 'user', parts: [{ type: 'text', text: textFor(model) }] },
    }),
    signal: leaving.signal,
  });
  const roll = Math.random();
  if (roll < 0.08) {
    await sleep(between(300, 1_500));
    const stopped = await fetch(`${server}/api/chat/${id}/stop`, { method: 'POST', headers });
    await Promise.all([stopped.arrayBuffer(), response.arrayBuffer()]);
    return `stopped ${stopped.status}`;
  }
  if (roll < 0.2) {
    await sleep(between(300, 1_500));
    leaving.abort();
    return 'left';
  }
  await response.text();
  return `POST ${response.status}`;
}

/** The message, with the answer that the double should give. Some answers fail. */
function textFor({ first, pace, cached, thoughts }: Model): string {
  const tokens = Math.round(between(40, 260));
  const input = Math.round(between(600, 9_000));
  const dice = Math.random();
  const script = {
    tokens,
    firstDelayMs: Math.round(first * between(0.6, 2.2)),
    delayMs: pace,
    usage: {
      input,
      cachedRead: Math.round(input * cached * between(0.5, 1.2)),
      output: Math.round(tokens / (1 - thoughts)),
      reasoning: Math.round((tokens * thoughts) / (1 - thoughts)),
    },
    ...(dice < 0.025 ? { fault: { type: 'status', status: 500 } } : {}),
    ...(dice > 0.985 ? { fault: { type: 'reset-after', chunks: 12 } } : {}),
  };
  return `Tell me something. [[double ${JSON.stringify(script)}]]`;
}

function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}
