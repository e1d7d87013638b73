import { randomUUID } from 'node:crypto';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import type * as ConfigSchemas from '../../src/modules/admin-config/config-schemas.js';
import type * as DefaultConfig from '../../src/modules/admin-config/defaults/default-config.js';
import type * as AppConfig from '../../src/config/app-config.js';
import type * as Vendors from '../../src/modules/models/vendors/vendors.js';
import type * as ChatAppModule from '../support/chat-app.js';
import type { ChatApp } from '../support/chat-app.js';
import { copyReplacing } from '../support/jest/copies.js';
import type { TestUser } from '../support/app.js';
import { sendRaw } from '../support/raw-http.js';
import { acme } from './vendors.acme.js';

const load = copyReplacing('src/modules/models/vendors/vendor-list.js', 'test/e2e/vendors.acme.ts');
const { startChatApp } = await load<typeof ChatAppModule>('test/support/chat-app.ts');
const { APP_CONFIG, loadConfig } = await load<typeof AppConfig>('src/config/app-config.js');
const { VENDORS } = await load<typeof Vendors>('src/modules/models/vendors/vendors.js');
const { CONFIG_KEYS, jsonSchemaOf } = await load<typeof ConfigSchemas>(
  'src/modules/admin-config/config-schemas.js',
);
const { DEFAULT_CONFIG } = await load<typeof DefaultConfig>(
  'src/modules/admin-config/defaults/default-config.js',
);

const SERVER_KEY = 'acme.server.4c1d9e';
const USER_KEY = 'acme.user.7b20fa';

describe('a vendor added to the list', () => {
  let double: ProviderDouble;
  let app: ChatApp;
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    double = await startProviderDouble();
    app = await startChatApp({ ACME_SECRET: SERVER_KEY, ACME_ENDPOINT: double.googleUrl }, { seeded: true });
    admin = await app.createUser({ role: 'admin' });
    user = await app.createUser();
    // What a migration does for a vendor: the database gets the schemas of the new keys.
    for (const key of CONFIG_KEYS) {
      await app.database.query(
        `insert into switchboard.config_schemas (config_key, schema) values ($1, $2)
         on conflict (config_key) do update set schema = excluded.schema`,
        [key, JSON.stringify(jsonSchemaOf(key))],
      );
    }
  });
  afterAll(async () => {
    await app.close();
    await double.close();
  });

  it('is configured by its own variables', () => {
    expect(app.app.get<{ providers: object }>(APP_CONFIG).providers).toMatchObject({
      acme: { apiKey: SERVER_KEY, baseUrl: double.googleUrl, api: 'plain' },
    });
    const base = { DATABASE_URL: 'postgres://localhost/db', SUPABASE_JWT_SECRET: 'x'.repeat(16) };
    expect(() => loadConfig({ ...base, ACME_ENDPOINT: 'nowhere' }, VENDORS)).toThrow(/^ACME_ENDPOINT must/);
    expect(() => loadConfig({ ...base, ACME_DIALECT: 'crude' }, VENDORS)).toThrow(
      'ACME_DIALECT must be plain or fancy',
    );
    expect(loadConfig(base, VENDORS, { embedded: true }).demoModel).toBe(true);
    expect(loadConfig({ ...base, ACME_SECRET: 'x' }, VENDORS, { embedded: true }).demoModel).toBe(false);
  });

  it('has its header allowed by CORS, and checked like the others', async () => {
    const preflight = await app.request('OPTIONS', '/api/chat', {
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': acme.keyHeader,
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toContain(acme.keyHeader);

    const bad = await app.request('GET', '/api/models', { user, headers: { [acme.keyHeader]: 'a key' } });
    expect(bad.body.errors).toEqual([{ path: `headers.${acme.keyHeader}`, message: 'is not a valid key' }]);

    const lines = ['GET /api/models HTTP/1.1', 'host: x', `${acme.keyHeader}: 1`, `${acme.keyHeader}: 2`];
    const twice = await sendRaw(app.url, `${lines.join('\r\n')}\r\n\r\n`);
    expect(twice.body.errors).toEqual([{ path: `headers.${acme.keyHeader}`, message: 'must be sent once' }]);
  });

  it('is in the documentation', async () => {
    const { body } = await app.request('GET', '/docs/openapi.json');
    expect(body.info.description).toContain(`\`${acme.keyHeader}\``);
    const { parameters } = body.paths['/api/chat'].post;
    expect(parameters).toContainEqual(expect.objectContaining({ in: 'header', name: acme.keyHeader }));
    const [key] = body.paths['/api/admin/config/{key}'].get.parameters;
    expect(key.schema.enum).toEqual(
      expect.arrayContaining(['chat_agent_acme', 'artifact_agent_acme', 'git_mcp_agent_acme']),
    );
  });

  it('is configured like the others, answers, and is accounted', async () => {
    for (const key of ['model_catalog', 'chat_agent_acme', 'app_settings', 'routing_agent']) {
      const saved = await app.request('PUT', `/api/admin/config/${key}`, {
        user: admin,
        body: { configData: DEFAULT_CONFIG[key] },
      });
      expect([key, saved.body.errors]).toEqual([key, undefined]);
      expect(saved.body.configData).toEqual(DEFAULT_CONFIG[key]);
    }
    const wrong = await app.request('PATCH', '/api/admin/config/chat_agent_acme', {
      user: admin,
      body: { configData: { capabilities: { googleSearch: true } } },
    });
    expect(wrong.status).toBe(400);
    const right = await app.request('PATCH', '/api/admin/config/chat_agent_acme', {
      user: admin,
      body: { configData: { capabilities: { telepathy: false } } },
    });
    expect(right.body.configData.capabilities.telepathy).toBe(false);

    const models = await app.request('GET', '/api/models', { user });
    expect(models.body.items).toContainEqual(
      expect.objectContaining({ id: 'acme/acme-open', provider: 'acme', available: true }),
    );
    const body = { model: 'acme/acme-open', agent: 'chat' };
    const answer = await app.say(user, randomUUID(), 'Hello', { body });
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect(double.requests.at(-1)?.headers['x-goog-api-key']).toBe(SERVER_KEY);
    await app.say(user, randomUUID(), 'Hello', { body, headers: { [acme.keyHeader]: USER_KEY } });
    expect(double.requests.at(-1)?.headers['x-goog-api-key']).toBe(USER_KEY);

    const rows = await app.database.query(
      `select distinct input_tokens > 0 as counted, total_cost > 0 as priced
       from usage_logs where provider = 'acme' and model_used = 'acme-open'`,
    );
    expect(rows).toEqual([{ counted: true, priced: true }]);
  });

  it('has its keys kept out of logs and responses, both of the server and of users', async () => {
    const body = { model: 'acme/acme-closed', agent: 'chat' };
    const refused = [
      await app.say(user, randomUUID(), 'Hello', { body }),
      await app.say(user, randomUUID(), 'Hello', { body, headers: { [acme.keyHeader]: USER_KEY } }),
    ];
    for (const { status, problem } of refused) {
      expect([status, problem.code]).toEqual([400, 'api_key_missing']);
      expect(problem.detail).toMatch(/^Acme refused .* x-acme-key\.$/);
    }
    expect(app.log()).toContain('Acme does not know [redacted]');
    for (const secret of [SERVER_KEY, USER_KEY]) {
      expect(app.log()).not.toContain(secret);
      expect(JSON.stringify(refused)).not.toContain(secret);
    }
  });
});
