import { randomUUID } from 'node:crypto';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import { isRoutingCall } from '../doubles/wire/reply.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';

const TIMEOUT = 400;

describe('routing', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    await app.database.query(
      `update admin_config set config_data = config_data || jsonb_build_object('enabled', true, 'timeoutMs', $1::int)
        where config_key = 'routing_agent'`,
      [TIMEOUT],
    );
    await eventually(async () => (await app.app.get(AdminConfigService).current()).routing.enabled);
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  const answers = ({ stream }: { stream: boolean }) => stream;
  const agentOf = (chunks: Array<{ type: string; data?: unknown }>) =>
    chunks.find(({ type }) => type === 'data-agent')?.data as { agentType: string; reason: string };

  it('lets a model choose, from the message and the context, and is accounted', async () => {
    const chatId = randomUUID();
    app.double.enqueue(
      { text: ['{"agent": "artifact", "reason": "An essay is a document."}'] },
      { when: isRoutingCall },
    );
    app.double.enqueue({ text: ['Here it is.'] }, { when: answers });
    const answer = await app.say(user, chatId, 'Write an essay about tides');
    expect(agentOf(answer.chunks)).toEqual({ agentType: 'artifact', reason: 'An essay is a document.' });
    expect(answer.text).toBe('Here it is.');
    expect(answer.chunks.at(-1).messageMetadata.agentType).toBe('artifact');
    const asked = JSON.stringify(app.double.requests.find(isRoutingCall)?.body);
    expect(asked).toContain('Write an essay about tides');
    expect(asked).not.toContain('git_mcp:');

    const rows = await eventually(async () => {
      const found = await app.database.query(
        `select agent_type, total_tokens, metadata ->> 'status' as status from usage_logs where chat_id = $1`,
        [chatId],
      );
      return found.length === 3 && found.every(({ status }) => status === 'success') && found;
    });
    // The title counts as a call of the agent that answers.
    expect(rows.map(({ agent_type }) => agent_type as string).sort()).toEqual([
      'artifact',
      'artifact',
      'routing',
    ]);
    const { body: chat } = await app.request('GET', `/api/chats/${chatId}`, { user });
    const sum = rows.reduce((total, row) => total + Number(row.total_tokens), 0);
    expect(chat.totalInputTokens + chat.totalOutputTokens).toBe(sum);
  });

  it('pays for the prompt of a model that takes too long', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ firstDelayMs: 2_000 }, { when: isRoutingCall });
    const answer = await app.say(user, chatId, 'Write an essay about tides');
    expect(agentOf(answer.chunks)).toEqual({ agentType: 'chat', reason: 'Routing took too long.' });
    const [row] = await app.database.query(
      `select input_tokens, output_tokens, total_cost > 0 as paid, metadata ->> 'status' as status
         from usage_logs where chat_id = $1 and agent_type = 'routing'`,
      [chatId],
    );
    expect(row).toMatchObject({ output_tokens: 0, paid: true, status: 'aborted' });
    expect(row.input_tokens).toBeGreaterThan(100);
  });

  it('gets the earlier messages of the chat', async () => {
    const chatId = randomUUID();
    const input = { title: 'Tides', kind: 'text', description: 'Short' };
    app.double.enqueue({ text: ['{"agent": "artifact", "reason": "A document."}'] }, { when: isRoutingCall });
    app.double.enqueue({ toolCalls: [{ id: 'one', name: 'createDocument', input }] }, { when: answers });
    await app.say(user, chatId, 'Write about tides');
    await app.say(user, chatId, 'Longer');
    const asked = JSON.parse(app.double.requests.filter(isRoutingCall).at(-1)!.userText);
    expect(asked).toMatchObject({
      recentMessages: [
        { role: 'user', text: 'Write about tides' },
        { role: 'assistant', text: expect.stringContaining('[createDocument]') },
      ],
      message: 'Longer',
    });
  });

  it.each([
    ['an agent that is not there', '{"agent": "root", "reason": "x"}'],
    ['no JSON', 'I think the chat agent'],
    ['nothing', ''],
  ])('uses the chat agent after %s', async (_what, text) => {
    app.double.enqueue({ text: [text] }, { when: isRoutingCall });
    const answer = await app.say(user, randomUUID(), 'Hello');
    expect(agentOf(answer.chunks).agentType).toBe('chat');
    expect(answer.text).toBe('You said: Hello');
  });

  it('does not wait longer than allowed', async () => {
    app.double.enqueue({ fault: { type: 'stall-before-first-byte' } }, { when: isRoutingCall });
    const startedAt = performance.now();
    const answer = await app.say(user, randomUUID(), 'Hello');
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT + 2_000);
    expect(agentOf(answer.chunks)).toEqual({
      agentType: 'chat',
      reason: expect.stringContaining('too long'),
    });
    expect(answer.text).toBe('You said: Hello');
  });

  it('is not used if the client names the agent', async () => {
    await app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } });
    expect(app.double.requests.some(isRoutingCall)).toBe(false);
  });
});
