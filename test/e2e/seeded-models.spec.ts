import { randomUUID } from 'node:crypto';
import { DEFAULT_CATALOG } from '../../src/modules/admin-config/defaults/default-catalog.js';
import { RETIREMENTS } from '../../src/modules/admin-config/catalog/retirements.js';
import { VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { PROVIDERS } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import { picture } from '../support/drawing.js';

const ANSWERING = DEFAULT_CATALOG.models.filter(({ capabilities }) => !capabilities.imageOutput);

/** The models that a new installation offers. They are called in the way that their vendors accept. */
describe('a new installation', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp({}, { seeded: true });
    user = await app.createUser();
  });
  afterEach(() => app.double.reset());
  afterAll(() => app.close());

  it('offers flagships and small models of all vendors with their prices, and none that will be retired', async () => {
    const { body } = await app.request('GET', '/api/models', { user });
    const items = body.items as Array<{ id: string; provider: string; pricing: object; available: boolean }>;
    expect(items.map(({ id }) => id).toSorted()).toEqual(
      ANSWERING.map(({ provider, id }) => `${provider}/${id}`).toSorted(),
    );
    for (const provider of PROVIDERS)
      expect(items.filter((item) => item.provider === provider).length).toBeGreaterThanOrEqual(3);
    for (const { id, pricing, available } of items) {
      const catalog = ANSWERING.find((model) => `${model.provider}/${model.id}` === id);
      expect([id, pricing, available]).toEqual([id, expect.objectContaining(catalog!.pricing), true]);
      expect(RETIREMENTS.some((model) => `${model.provider}/${model.id}` === id)).toBe(false);
    }
    expect(items.filter(({ id }) => id === `google/${VENDORS.google.defaultModel}`)).toMatchObject([
      { isDefault: true },
    ]);
  });

  it.each(ANSWERING.map(({ provider, id }) => `${provider}/${id}`))(
    'is answered by %s, which thinks only if it is asked to',
    async (model) => {
      for (const thinking of [undefined, true, false]) {
        const answer = await app.say(user, randomUUID(), 'Hello', {
          body: { model, agent: 'chat', thinking },
        });
        expect([model, thinking, answer.status, answer.problem, answer.done]).toEqual([
          model,
          thinking,
          200,
          undefined,
          true,
        ]);
        expect(answer.text).toBe('You said: Hello');
      }
    },
  );

  it.each(PROVIDERS)('names chats and chooses agents with the small model of %s', async (provider) => {
    const chat = randomUUID();
    const model = `${provider}/${VENDORS[provider].defaultModel}`;
    const answer = await app.say(user, chat, 'What is a monad?', { body: { model } });
    expect(answer.chunks.map(({ type }) => type)).toContain('data-chat-title');
    const refused = app.double.requests.filter(({ status }) => status !== 200);
    expect(refused).toEqual([]);
  });

  it.each(['google', 'openai'] as const)('draws with the image model of %s', async (provider) => {
    const image = picture();
    app.double.enqueue(
      {
        toolCalls: [
          {
            id: 'call-1',
            name: 'createDocument',
            input: { title: 'A fox', kind: 'image', description: 'red' },
          },
        ],
      },
      { when: ({ stream }) => stream },
    );
    app.double.enqueue({ image }, { when: ({ wantsImage }) => wantsImage === true });
    const answer = await app.say(user, randomUUID(), 'Draw a fox', {
      body: { model: `${provider}/${VENDORS[provider].defaultModel}`, agent: 'artifact' },
    });
    expect(answer.chunks).toContainEqual(expect.objectContaining({ type: 'data-imageDelta', data: image }));
    const rows = await app.database.query(
      `select model_used, total_cost > 0 as paid, metadata ->> 'imageOutputTokens' as drawn from usage_logs
        where metadata ->> 'purpose' = 'image' and provider = $1`,
      [provider],
    );
    expect(rows).toEqual([{ model_used: VENDORS[provider].images?.model.id, paid: true, drawn: '1290' }]);
  });
});
