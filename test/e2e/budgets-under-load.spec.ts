import { randomUUID } from 'node:crypto';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { Fault, Script } from '../doubles/script.js';
import { CODE, JAPANESE } from '../fixtures/language-samples.js';
import { awayFromTheEndOfTheHour } from '../support/admissions.js';
import type { TestUser } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { untilLimitIs } from '../support/config-change.js';
import type { ServerProcess } from '../support/server-process.js';

/**
 * 200 turns at once, on two servers, against budgets that are large enough for a few of them. The provider counts what it
 * gets with a real tokenizer: descriptions of tools, an open document, Japanese, pictures. Some attempts are lost and
 * repeated, and some answers never begin.
 */

const TURNS = 50;
const OUTPUT = 300;
const MODEL = 'google/gemini-2.5-flash';
/** Of 1,500 × 1,500 pixels: four tiles of 258 tokens. */
const PICTURE_TOKENS = 4 * 258;

/** One user, whose turns are all alike. */
interface Case {
  name: string;
  agent: 'chat' | 'artifact';
  body: (user: TestUser) => Promise<{ documentId?: string; parts: object[] }>;
  user?: TestUser;
}

const text = (words: string) => ({ type: 'text', text: words });
const japanese = JAPANESE.join('\n');

function picture(): object {
  const png = Buffer.alloc(60_000);
  png.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
  png.writeUInt32BE(1_500, 16);
  png.writeUInt32BE(1_500, 20);
  return { type: 'file', mediaType: 'image/png', url: `data:image/png;base64,${png.toString('base64')}` };
}

/** The tokens that the provider bills for a request in the format of Gemini. */
function tokensOf({ contents, systemInstruction, tools = [] }: RecordedRequest['body']): number {
  interface Content {
    parts: Array<{ text?: string; inlineData?: unknown }>;
  }
  const parts = [...(contents as Content[]), (systemInstruction ?? { parts: [] }) as Content].flatMap(
    (content) => content.parts,
  );
  const pictures = parts.filter(({ inlineData }) => inlineData !== undefined).length;
  return (
    countTokens(parts.map((part) => part.text ?? '').join('\n')) +
    countTokens(JSON.stringify(tools)) +
    pictures * PICTURE_TOKENS
  );
}

describe('200 turns at once on two servers', () => {
  let servers: ChatServers;
  let running: ServerProcess[];
  /** Of requests an hour. Each configuration has a higher one, so that it can be told from the previous one. */
  let limit = 10_000;

  beforeAll(async () => {
    servers = await prepareChatServers();
  });

  afterAll(() => servers.close());

  const cases: Case[] = [
    {
      name: 'descriptions of tools',
      agent: 'artifact',
      body: () => Promise.resolve({ parts: [text(CODE.join('\n').repeat(3))] }),
    },
    {
      name: 'an open document in Japanese',
      agent: 'artifact',
      body: async (user) => ({
        documentId: await documentOf(user, japanese.repeat(30)),
        parts: [text('続けてください。')],
      }),
    },
    {
      name: 'Japanese',
      agent: 'chat',
      body: () => Promise.resolve({ parts: [text(japanese.repeat(10))] }),
    },
    {
      name: 'pictures',
      agent: 'chat',
      body: () => Promise.resolve({ parts: [text('What is this?'), picture(), picture()] }),
    },
  ];

  async function documentOf(user: TestUser, content: string): Promise<string> {
    const response = await fetch(`${running[0]!.url}/api/documents`, {
      method: 'POST',
      headers: { ...user.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Notes', kind: 'text', content }),
    });
    return ((await response.json()) as { id: string }).id;
  }

  async function configure(dailyOf: (agent: Case['agent']) => number): Promise<void> {
    limit++;
    for (const agent of ['chat', 'artifact'] as const) {
      const fields = {
        budget: { daily: dailyOf(agent) },
        rateLimit: { hourly: limit, daily: limit },
        parameters: { maxOutputTokens: OUTPUT },
      };
      await servers.database.query(
        `update admin_config set config_data = config_data || $2::jsonb where config_key = $1`,
        [`${agent}_agent_google`, JSON.stringify(fields)],
      );
    }
    for (const agent of ['chat', 'artifact']) await untilLimitIs(running, cases[0]!.user!, agent, limit);
  }

  async function ask(one: Case, index: number): Promise<number> {
    const { documentId, parts } = await one.body(one.user!);
    const response = await fetch(`${running[index % 2]!.url}/api/chat`, {
      method: 'POST',
      headers: { ...one.user!.headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        id: randomUUID(),
        message: { id: randomUUID(), role: 'user', parts },
        model: MODEL,
        agent: one.agent,
        documentId,
      }),
    });
    await response.text();
    return response.status;
  }

  /** What a user has spent with the agent, and the most expensive turn. */
  async function spentBy({ user, agent }: Case): Promise<{ cost: number; turn: number; turns: number }> {
    const [row] = await servers.database.query(
      `select coalesce(sum(cost), 0)::float8 as cost, coalesce(max(cost), 0)::float8 as turn, count(*)::int as turns
         from (select sum(total_cost) as cost from usage_logs
                where user_id = $1 and agent_type = $2 group by chat_id) as turns`,
      [user!.id, agent],
    );
    return row as { cost: number; turn: number; turns: number };
  }

  it('spend at most a fifth of a turn more than the budgets', async () => {
    running = await Promise.all([servers.start(ENVIRONMENT), servers.start(ENVIRONMENT)]);
    await servers.database.query(
      `update admin_config set config_data = config_data || '{"enabled": false}' where config_key = 'routing_agent'`,
    );
    for (const one of cases) one.user = await servers.createUser();
    let answers = 0;
    const faults: Array<Fault | undefined> = [
      undefined,
      { type: 'reset-before-first-byte' },
      undefined,
      { type: 'stall-before-first-byte' },
    ];
    servers.double.enqueue(
      ({ body, stream }): Script => ({
        text: ['So ', 'it is.'],
        usage: { input: tokensOf(body), output: stream ? OUTPUT : 20 },
        firstDelayMs: 20,
        ...(stream && answers++ >= cases.length ? { fault: faults[answers % faults.length] } : {}),
      }),
      { when: () => true, times: Infinity },
    );
    await awayFromTheEndOfTheHour(servers.database);

    // One turn of each, to know what it costs.
    await configure(() => 100);
    for (const one of cases) expect(await ask(one, 0)).toBe(200);
    const costs = new Map<Case, number>();
    for (const one of cases) {
      await eventually(async () => (await spentBy(one)).turns > 0);
      costs.set(one, (await spentBy(one)).cost);
      // The budget is for another user, who has not spent anything.
      one.user = await servers.createUser();
    }
    // Enough for three of the most expensive turns.
    const dailyOf = (agent: Case['agent']) =>
      3.4 * Math.max(...cases.filter((one) => one.agent === agent).map((one) => costs.get(one)!));
    await configure(dailyOf);

    // The first 200 are refused because of those that are running. Later ones find what is left.
    for (const turns of [TURNS, 8, 8]) {
      const statuses = await Promise.all(
        cases.flatMap((one) => Array.from({ length: turns }, (_, index) => ask(one, index))),
      );
      expect(statuses).toHaveLength(turns * cases.length);
      expect(statuses.filter((status) => ![200, 429, 502, 503, 504].includes(status))).toEqual([]);
      await eventually(async () => {
        const [left] = await servers.database.query('select count(*)::int as runs from switchboard.runs');
        return left.runs === 0;
      });
    }

    // On a slow machine, most of them are refused because of the others. One after the other, each finds what is left.
    for (const one of cases) {
      for (let index = 0; index < 8 && (await ask(one, index)) !== 429; index++) continue;
    }

    const outcomes = [];
    for (const one of cases) {
      const { cost, turn, turns } = await spentBy(one);
      outcomes.push({
        name: one.name,
        turns,
        over: (cost - dailyOf(one.agent)) / turn,
        used: cost / dailyOf(one.agent),
      });
    }
    for (const { name, over, used, turns } of outcomes) {
      expect([name, over <= 0.2]).toEqual([name, true]);
      // And not because nothing was let in.
      expect([name, used > 0.6, turns > 2]).toEqual([name, true, true]);
    }
  }, 90_000);
});

const ENVIRONMENT = { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '4000', THROTTLE_LIMIT: '0' };
