import { randomUUID } from 'node:crypto';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { dataOf, drawing, failureOf, NEW_IMAGE, picture } from '../support/drawing.js';

describe('the image settings of the configuration', () => {
  let app: ChatApp;
  let admin: TestUser;
  let agent: ReturnType<typeof drawing>;

  beforeAll(async () => {
    app = await startChatApp();
    admin = await app.createUser({ role: 'admin' });
    agent = drawing(app, await app.createUser());
  });

  beforeEach(() => app.double.reset());
  afterAll(() => app.close());

  const configure = async (key: string, configData: object) => {
    const path = `/api/admin/config/${key}`;
    return app.request('PATCH', path, { user: admin, body: { configData } });
  };
  /** Sets the image models, and waits until the server uses them. */
  const imageModels = async (models: { google?: string | null; openai?: string | null } | null) => {
    expect((await configure('app_settings', { imageModels: models })).status).toBe(200);
    const wanted = Object.values(models ?? {})
      .filter(Boolean)
      .sort();
    await eventually(async () => {
      const { settings } = await app.app.get(AdminConfigService).current();
      return JSON.stringify(Object.values(settings.imageModels ?? {}).sort()) === JSON.stringify(wanted);
    });
  };

  afterEach(() => imageModels({ google: 'gemini-2.5-flash-image', openai: 'gpt-image-1' }));

  it('use the configured model, at its price, from the next request', async () => {
    const { body } = await app.request('GET', '/api/admin/config/model_catalog', { user: admin });
    const mini = {
      id: 'gpt-image-1-mini',
      provider: 'openai',
      name: 'GPT Image 1 mini',
      capabilities: { imageOutput: true },
      pricing: { input: 2, output: 8 },
    };
    const others = (body.configData.models as Array<{ id: string }>).filter(({ id }) => id !== mini.id);
    const models = [...others, mini];
    expect((await configure('model_catalog', { models })).status).toBe(200);
    await imageModels({ google: null, openai: 'gpt-image-1-mini' });

    const chatId = randomUUID();
    agent.script('createDocument', NEW_IMAGE, { usage: { input: 100, output: 1_000 } });
    // Google no longer has one.
    const answer = await agent.say(chatId);
    expect(await agent.accountsOf(chatId, answer)).toMatchObject([
      { model: 'gpt-image-1-mini', provider: 'openai', totalCost: '0.008200' },
    ]);
  });

  it('say that images are not available if no model can generate them', async () => {
    await imageModels(null);
    const before = picture();
    const id = await agent.create(before);
    for (const [tool, input] of [
      ['createDocument', NEW_IMAGE],
      ['updateDocument', { id, description: 'More' }],
    ] as const) {
      agent.script(tool, input, {}, { closing: 'I cannot draw.' });
      const answer = await agent.say(randomUUID());
      expect(failureOf(answer)).toMatch(/Images are not available/);
      expect(answer.text).toBe('I cannot draw.');
      expect([dataOf(answer, 'data-kind'), dataOf(answer, 'data-clear')]).toEqual([[], []]);
      expect(agent.drawings()).toEqual([]);
      app.double.reset();
    }
    expect(await agent.versionsOf(id)).toEqual([before]);
  });

  it('refuse an unknown model, and one that cannot generate images', async () => {
    const problems = async (key: string, configData: object) => {
      const { status, body } = await configure(key, configData);
      expect(status).toBeGreaterThanOrEqual(400);
      return body.errors;
    };
    expect(await problems('app_settings', { imageModels: { google: 'imagen-9' } })).toEqual([
      { path: 'configData.imageModels.google', message: 'google/imagen-9 is not in model_catalog' },
    ]);
    expect(await problems('app_settings', { imageModels: { openai: 'gpt-4o' } })).toEqual([
      {
        path: 'configData.imageModels.openai',
        message: 'openai/gpt-4o has no imageOutput in model_catalog',
      },
    ]);
    expect(await problems('app_settings', { imageModels: { anthropic: 'claude-opus-4-6' } })).toMatchObject([
      { path: 'configData.imageModels.anthropic' },
    ]);
    const { body } = await app.request('GET', '/api/admin/config/model_catalog', { user: admin });
    const models = (body.configData.models as Array<{ id: string }>).map((model) =>
      model.id === 'gpt-image-1' ? { ...model, capabilities: {} } : model,
    );
    expect(await problems('model_catalog', { models })).toEqual([
      {
        path: 'configData.models',
        message: 'must keep the imageOutput of openai/gpt-image-1: it is used by app_settings',
      },
    ]);
  });
});

describe('a slow image model', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '2000' });
  });

  afterAll(() => app.close());

  it('has more time than a first token', async () => {
    const agent = drawing(app, await app.createUser());
    agent.script('createDocument', NEW_IMAGE, { firstDelayMs: 2_500 });
    const answer = await agent.say(randomUUID());
    expect([failureOf(answer), answer.text]).toEqual([undefined, 'Done.']);
  });
});
