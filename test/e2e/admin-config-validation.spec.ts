import { expectProblem } from '../support/expectations.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';

interface WrongPath {
  name: string;
  key: string;
  /** A merge patch of the default configuration. */
  patch: object;
  errors: Array<[path: string, message: string]>;
}

const wrong = (key: string, patch: object, ...errors: WrongPath['errors']): WrongPath => ({
  name: errors.map((error) => error.join(' ')).join(', '),
  key,
  patch,
  errors: errors.map(([path, message]) => [`configData.${path}`, message]),
});

const mcp = (fields: object, path: string, message: string) =>
  wrong('git_mcp_agent_google', { mcp: fields }, [`mcp.${path}`, message]);

const NAMED_TOOL = 'must be the name of a tool';

const WRONG: WrongPath[] = [
  wrong('chat_agent_google', { enabled: 'yes' }, ['enabled', 'must be true or false']),
  wrong('chat_agent_google', { enabled: null }, ['enabled', 'is required']),
  wrong('chat_agent_google', { systemPrompt: 5 }, ['systemPrompt', 'must be a string']),
  wrong('chat_agent_google', { systemPrompt: ' \n' }, ['systemPrompt', 'must not be empty']),
  wrong('chat_agent_google', { systemPrompt: 'x'.repeat(100_001) }, [
    'systemPrompt',
    'must have at most 100000 characters',
  ]),
  wrong('chat_agent_google', { models: [] }, ['models', 'must have at least 1 item']),
  wrong('chat_agent_google', { models: ['gemini-2.5-flash'] }, ['models.0', 'must be an object']),
  wrong('chat_agent_google', { models: [{ id: 5, isDefault: true }] }, ['models.0.id', 'must be a string']),
  wrong('chat_agent_google', { models: [{ isDefault: true }] }, ['models.0.id', 'is required']),
  wrong('chat_agent_google', { models: [{ id: 'google/', isDefault: true }] }, [
    'models.0.id',
    'must be the id of a model',
  ]),
  wrong('chat_agent_google', { models: [{ id: 'gemini-2.5-pro', isDefault: 1 }] }, [
    'models.0.isDefault',
    'must be true or false',
  ]),
  wrong('chat_agent_google', { models: [{ id: 'gemini-2.5-pro', isDefault: true, name: 'Pro' }] }, [
    'models.0.name',
    'is not a known field',
  ]),
  wrong('chat_agent_google', { fallbackModels: 'openai/gpt-5' }, ['fallbackModels', 'must be an array']),
  wrong('chat_agent_google', { fallbackModels: ['openai/gpt-5'] }, ['fallbackModels.0', 'must be an object']),
  wrong('git_mcp_agent_openai', { fallbackModels: [{ id: 'gpt-5' }] }, [
    'fallbackModels.0.id',
    'must be provider/model',
  ]),
  wrong(
    'artifact_agent_anthropic',
    { fallbackModels: ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({ id: `openai/${id}` })) },
    ['fallbackModels', 'must have at most 5 items'],
  ),
  wrong('chat_agent_google', { fallbackForChosen: 'yes' }, ['fallbackForChosen', 'must be true or false']),
  wrong('chat_agent_google', { rateLimit: { hourly: -1 } }, ['rateLimit.hourly', 'must be at least 0']),
  wrong('chat_agent_google', { rateLimit: { daily: 1.5 } }, ['rateLimit.daily', 'must be an integer']),
  wrong('chat_agent_google', { rateLimit: { daily: 1e10 } }, [
    'rateLimit.daily',
    'must be at most 1000000000',
  ]),
  wrong('chat_agent_google', { rateLimit: { minutely: 1 } }, ['rateLimit.minutely', 'is not a known field']),
  wrong('chat_agent_google', { rateLimit: null }, ['rateLimit', 'is required']),
  wrong('chat_agent_google', { budget: { daily: -0.01 } }, ['budget.daily', 'must be at least 0']),
  wrong('chat_agent_google', { budget: { monthly: '10' } }, ['budget.monthly', 'must be a number']),
  wrong('chat_agent_anthropic', { caching: { ttl: '10m' } }, ['caching.ttl', 'must be one of 5m, 1h']),
  wrong('chat_agent_anthropic', { caching: { enabled: 'no' } }, ['caching.enabled', 'must be true or false']),
  wrong('chat_agent_anthropic', { caching: false }, ['caching', 'must be an object']),
  wrong('chat_agent_google', { parameters: { temperature: 2.1 } }, [
    'parameters.temperature',
    'must be at most 2',
  ]),
  wrong('chat_agent_google', { parameters: { topP: -0.1 } }, ['parameters.topP', 'must be at least 0']),
  wrong('chat_agent_google', { parameters: { topK: 0 } }, ['parameters.topK', 'must be at least 1']),
  wrong('chat_agent_google', { parameters: { maxOutputTokens: 0.5 } }, [
    'parameters.maxOutputTokens',
    'must be an integer',
  ]),
  wrong('chat_agent_google', { parameters: { seed: 1 } }, ['parameters.seed', 'is not a known field']),
  wrong('chat_agent_google', { capabilities: { telepathy: true } }, [
    'capabilities.telepathy',
    'is not a known field',
  ]),
  wrong('chat_agent_google', { capabilities: { thinking: 'on' } }, [
    'capabilities.thinking',
    'must be true or false',
  ]),
  wrong('chat_agent_google', { tools: ['createDocument'] }, ['tools', 'must be empty']),
  wrong('chat_agent_google', { mcp: {} }, ['mcp', 'is not a known field']),
  wrong('artifact_agent_openai', { tools: ['createDocument', 'rm'] }, [
    'tools.1',
    'must be one of createDocument, updateDocument, requestSuggestions',
  ]),
  wrong('git_mcp_agent_google', { mcp: null }, ['mcp', 'is required']),
  mcp({ url: 'file:///etc/passwd' }, 'url', 'must be an http(s) URL without credentials'),
  mcp({ url: 'https://user:secret@example.com/' }, 'url', 'must be an http(s) URL without credentials'),
  mcp({ url: null }, 'url', 'is required'),
  mcp({ toolsets: 'all' }, 'toolsets', 'must be an array'),
  mcp({ toolsets: ['repos', 'a b'] }, 'toolsets.1', NAMED_TOOL),
  mcp({ toolsets: [] }, 'toolsets', 'or tools must list the allowed tools'),
  mcp({ tools: ['get_file,delete_file'] }, 'tools.0', NAMED_TOOL),
  mcp({ excludeTools: [''] }, 'excludeTools.0', NAMED_TOOL),
  mcp({ readOnly: 'yes' }, 'readOnly', 'must be true or false'),
  mcp({ lockdown: null }, 'lockdown', 'is required'),
  mcp({ maxResultCharacters: 5 }, 'maxResultCharacters', 'must be at least 100'),
  mcp({ timeoutMs: 600_001 }, 'timeoutMs', 'must be at most 600000'),
  mcp({ token: 'ghp_x' }, 'token', 'is not a known field'),
  wrong('routing_agent', { timeoutMs: 99 }, ['timeoutMs', 'must be at least 100']),
  wrong('routing_agent', { timeoutMs: 10_001 }, ['timeoutMs', 'must be at most 10000']),
  wrong('routing_agent', { models: [{ id: 'gemini-2.5-flash' }] }, ['models.0.id', 'must be provider/model']),
  wrong('routing_agent', { models: [{ id: 'acme/model' }] }, ['models.0.id', 'must be provider/model']),
  wrong('routing_agent', { models: [{ id: 'google/gemini-2.5-flash', isDefault: true }] }, [
    'models.0.isDefault',
    'is not a known field',
  ]),
  wrong('routing_agent', { rateLimit: { hourly: 1 } }, ['rateLimit', 'is not a known field']),
  wrong('app_settings', { activeProvider: 'acme' }, [
    'activeProvider',
    'must be one of google, openai, anthropic',
  ]),
  wrong('app_settings', { titleModels: { acme: 'model' } }, ['titleModels.acme', 'is not a known field']),
  wrong('app_settings', { theme: 'dark' }, ['theme', 'is not a known field']),
  wrong('model_catalog', { models: [] }, ['models', 'must have at least 1 item']),
  wrong(
    'model_catalog',
    { models: [{ id: 'm', provider: 'acme', name: 'M', pricing: { input: 1, output: 1 } }] },
    ['models.0.provider', 'must be one of google, openai, anthropic'],
  ),
  wrong(
    'model_catalog',
    {
      models: [
        { id: 'm', provider: 'google', name: '', pricing: { input: -1, cachedInput: 'free' }, price: 1 },
      ],
    },
    ['models.0.name', 'must not be empty'],
    ['models.0.pricing.input', 'must be at least 0'],
    ['models.0.pricing.cachedInput', 'must be a number'],
    ['models.0.pricing.output', 'is required'],
    ['models.0.price', 'is not a known field'],
  ),
  wrong(
    'chat_agent_openai',
    { enabled: 1, systemPrompt: '', rateLimit: { hourly: 'x', daily: null }, color: 'red', size: 1 },
    ['enabled', 'must be true or false'],
    ['systemPrompt', 'must not be empty'],
    ['rateLimit.hourly', 'must be a number'],
    ['rateLimit.daily', 'is required'],
    ['color', 'is not a known field'],
    ['size', 'is not a known field'],
  ),
];

/** Each part is valid by itself, but not together with the others. */
const CONFLICTS: WrongPath[] = [
  wrong('chat_agent_google', { models: [{ id: 'gemini-2.5-flash' }] }, [
    'models',
    'must have a default: one model with isDefault: true',
  ]),
  wrong(
    'chat_agent_google',
    {
      models: [
        { id: 'gemini-2.5-flash', isDefault: true },
        { id: 'gemini-2.5-pro', isDefault: true },
      ],
    },
    ['models.1.isDefault', 'is already true for another model; only one model can be the default'],
  ),
  wrong(
    'chat_agent_google',
    { models: [{ id: 'gemini-2.5-flash', isDefault: true }, { id: 'google/gemini-2.5-flash' }] },
    ['models.1.id', 'is listed twice'],
  ),
  wrong(
    'chat_agent_google',
    { models: [{ id: 'gemini-2.5-flash', isDefault: true }, { id: 'gpt-5' }, { id: 'openai/gpt-5' }] },
    ['models.1.id', 'google/gpt-5 is not in model_catalog'],
    ['models.2.id', 'google/openai/gpt-5 is not in model_catalog'],
  ),
  wrong('artifact_agent_anthropic', { models: [{ id: 'claude-2', isDefault: true }] }, [
    'models.0.id',
    'anthropic/claude-2 is not in model_catalog',
  ]),
  wrong(
    'chat_agent_google',
    { fallbackModels: [{ id: 'openai/gpt-5' }, { id: 'openai/gpt-3' }, { id: 'acme/gpt-5' }] },
    ['fallbackModels.1.id', 'openai/gpt-3 is not in model_catalog'],
    ['fallbackModels.2.id', 'acme/gpt-5 is not in model_catalog'],
  ),
  wrong('chat_agent_google', { fallbackModels: [{ id: 'openai/gpt-5' }, { id: 'openai/gpt-5' }] }, [
    'fallbackModels.1.id',
    'is listed twice',
  ]),
  wrong('routing_agent', { models: [{ id: 'openai/gpt-5-nano' }, { id: 'openai/gpt-3' }] }, [
    'models.1.id',
    'openai/gpt-3 is not in model_catalog',
  ]),
  wrong('routing_agent', { models: [{ id: 'openai/gpt-5-nano' }, { id: 'openai/gpt-5-nano' }] }, [
    'models.1.id',
    'is listed twice',
  ]),
  wrong('app_settings', { titleModels: { openai: 'gpt-3' } }, [
    'titleModels.openai',
    'openai/gpt-3 is not in model_catalog',
  ]),
  wrong('chat_agent_google', { enabled: false }, [
    'enabled',
    'must stay true: google is the activeProvider of app_settings; make it openai or anthropic first',
  ]),
];

describe('an invalid configuration', () => {
  let app: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
  });

  afterAll(() => app.close());

  const send = (method: string, key: string, configData?: unknown) =>
    app.request(method, `/api/admin/config/${key}`, {
      user: admin,
      body: configData === undefined ? undefined : { configData },
    });
  const get = async (key: string) => (await send('GET', key)).body;

  function expectErrors(response: Awaited<ReturnType<typeof send>>, errors: WrongPath['errors']): void {
    expectProblem(response, 400, 'validation_failed');
    const actual = response.body.errors.map(({ path, message }: Record<string, string>) => [path, message]);
    expect(actual.sort()).toEqual([...errors].sort());
  }

  it.each([...WRONG, ...CONFLICTS])('is refused with each invalid path: $key: $name', async (attempt) => {
    const before = await get(attempt.key);
    expectErrors(await send('PATCH', attempt.key, attempt.patch), attempt.errors);
    expect(await get(attempt.key)).toEqual(before);
  });

  it.each([[null], ['text'], [5], [[]], [true]])('is %j', async (configData) => {
    expectErrors(await send('PUT', 'app_settings', configData), [['configData', 'must be an object']]);
  });

  it('is one without required fields', async () => {
    expectErrors(await send('PUT', 'git_mcp_agent_openai', {}), [
      ['configData.enabled', 'is required'],
      ['configData.systemPrompt', 'is required'],
      ['configData.models', 'is required'],
      ['configData.rateLimit', 'is required'],
      ['configData.mcp', 'is required'],
    ]);
    expectErrors(await send('PUT', 'app_settings', {}), [['configData.activeProvider', 'is required']]);
  });

  it('is a catalog without a model that is in use, wherever it is used', async () => {
    const { configData } = await get('model_catalog');
    const without = (...ids: string[]) => ({
      models: configData.models.filter(({ id }: { id: string }) => !ids.includes(id)),
    });
    expectErrors(await send('PUT', 'model_catalog', without('gpt-4o-mini', 'claude-opus-4-5')), [
      [
        'configData.models',
        'must keep openai/gpt-4o-mini: it is used by chat_agent_openai, artifact_agent_openai, git_mcp_agent_openai, routing_agent, app_settings',
      ],
      [
        'configData.models',
        'must keep anthropic/claude-opus-4-5: it is used by chat_agent_anthropic, artifact_agent_anthropic, git_mcp_agent_anthropic',
      ],
    ]);
    // Unused models can be removed. After that, nothing can use them.
    for (const agent of ['chat', 'artifact', 'git_mcp']) {
      const key = `${agent}_agent_anthropic`;
      const models = (await get(key)).configData.models.filter(
        ({ id }: { id: string }) => id !== 'claude-opus-4-5',
      );
      expect((await send('PATCH', key, { models })).status).toBe(200);
    }
    expect((await send('PUT', 'model_catalog', without('claude-opus-4-5'))).status).toBe(200);
    expectErrors(
      await app.request('POST', '/api/admin/config/chat_agent_anthropic/rollback', {
        user: admin,
        body: { version: 1 },
      }),
      [['configData.models.1.id', 'anthropic/claude-opus-4-5 is not in model_catalog']],
    );
  });

  it('is one that lists a model twice', async () => {
    const { configData } = await get('model_catalog');
    expectErrors(
      await send('PUT', 'model_catalog', { models: [...configData.models, configData.models[0]] }),
      [[`configData.models.${configData.models.length}.id`, 'is listed twice']],
    );
  });

  it('is a deletion of a required key', async () => {
    for (const key of ['app_settings', 'model_catalog'])
      expectErrors(await send('DELETE', key), [['key', `${key} cannot be deleted: it is required`]]);
    expectErrors(await send('DELETE', 'chat_agent_google'), [
      [
        'key',
        'chat_agent_google cannot be deleted: google is the activeProvider of app_settings; make it openai or anthropic first',
      ],
    ]);
  });

  it('is one without an agent that can answer', async () => {
    expect((await send('PATCH', 'chat_agent_openai', { enabled: false })).status).toBe(200);
    expectErrors(await send('PATCH', 'app_settings', { activeProvider: 'openai' }), [
      [
        'configData.activeProvider',
        'must have an enabled chat agent; chat_agent_openai is missing or disabled',
      ],
    ]);
    expect((await send('DELETE', 'chat_agent_anthropic')).status).toBe(204);
    expectErrors(await send('PATCH', 'app_settings', { activeProvider: 'anthropic' }), [
      [
        'configData.activeProvider',
        'must have an enabled chat agent; chat_agent_anthropic is missing or disabled',
      ],
    ]);
    expectErrors(await send('PATCH', 'chat_agent_google', { enabled: false }), [
      ['configData.enabled', 'must stay true: no enabled chat agent would be left'],
    ]);
    expectErrors(await send('DELETE', 'chat_agent_google'), [
      ['key', 'chat_agent_google cannot be deleted: no enabled chat agent would be left'],
    ]);
    // The others can all be disabled if a chat agent answers.
    for (const key of ['artifact_agent_google', 'git_mcp_agent_google', 'routing_agent'])
      expect((await send('PATCH', key, { enabled: false })).status).toBe(200);
  });

  it('cannot result from two concurrent changes', async () => {
    await send('PATCH', 'chat_agent_openai', { enabled: true });
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        send('PATCH', 'app_settings', { activeProvider: 'openai' }),
        send('PATCH', 'chat_agent_openai', { enabled: false }),
      ]);
      const { activeProvider } = (await get('app_settings')).configData;
      expect((await get(`chat_agent_${activeProvider}`)).configData.enabled).toBe(true);
      await send('PATCH', 'chat_agent_openai', { enabled: true });
      await send('PATCH', 'app_settings', { activeProvider: 'google' });
    }
  });
});
