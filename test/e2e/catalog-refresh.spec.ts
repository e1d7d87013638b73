import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CatalogChange } from '../../src/modules/admin-config/catalog/catalog-refresh.js';
import { DEFAULT_CATALOG } from '../../src/modules/admin-config/defaults/default-catalog.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const PATH = '/api/admin/catalog/refresh';
const COMMAND = 'dist/src/modules/admin-config/cli/catalog-refresh.js';

const changeOf = (changes: CatalogChange[], model: string, change: string) =>
  changes.find((entry) => entry.model === model && entry.change === change);

/** An older catalog is updated to this version without losing its content. */
describe('a refresh of the model catalog', () => {
  let app: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    app = await startTestApp();
    admin = await app.createUser({ role: 'admin' });
  });
  afterAll(() => app.close());

  const catalog = async () =>
    (await app.request('GET', '/api/admin/config/model_catalog', { user: admin })).body;

  it('is for administrators only', async () => {
    const user = await app.createUser();
    for (const method of ['GET', 'POST'])
      expect((await app.request(method, PATH, { user })).status).toBe(403);
  });

  it('shows what it would change, and changes nothing', async () => {
    const before = await catalog();
    const { status, body } = await app.request('GET', PATH, { user: admin });
    expect([status, body.version]).toEqual([200, 1]);
    expect(changeOf(body.changes, 'google/gemini-2.5-pro', 'retirement')).toMatchObject({
      retiresAt: '2026-12-01',
      replacement: 'gemini-3.8-flash',
      usedBy: ['artifact_agent_google', 'chat_agent_google', 'git_mcp_agent_google'],
    });
    expect(changeOf(body.changes, 'openai/gpt-6-luna', 'added')).toMatchObject({
      before: null,
      after: { input: 0.1, fees: { webSearch: 0.01 } },
      usedBy: [],
    });
    expect(await catalog()).toEqual(before);
  });

  it('creates a single version with the name of its author', async () => {
    const before = await catalog();
    const { status, body } = await app.request('POST', PATH, { user: admin });
    expect([status, body.version]).toEqual([200, 2]);
    const after = await catalog();
    expect(after).toMatchObject({ version: 2, updatedBy: admin.id });
    const ids = (config: typeof after) => config.configData.models.map(({ id }: { id: string }) => id);
    expect(ids(after)).toEqual(expect.arrayContaining([...ids(before), 'claude-opus-5-5', 'gpt-6.1-sol']));
    const audit = await app.request('GET', '/api/admin/audit?action=config.updated', { user: admin });
    expect(audit.body.items[0]).toMatchObject({ actor: admin.id, target: 'model_catalog' });

    expect((await app.request('GET', PATH, { user: admin })).body).toEqual({ version: 2, changes: [] });
    expect((await app.request('POST', PATH, { user: admin })).body).toEqual({ version: 2, changes: [] });
  });

  it('reaches users who choose a model', async () => {
    const { body } = await app.request('GET', '/api/models', { user: admin });
    const model = (id: string) => body.items.find((item: { id: string }) => item.id === id);
    expect(model('google/gemini-2.5-flash')).toMatchObject({
      retiresAt: '2026-12-01',
      replacement: 'gemini-3.5-flash-lite',
    });
    expect(model('google/gemini-2.5-flash-lite')).not.toHaveProperty('retiresAt');
  });
});

describe('npm run catalog:refresh', () => {
  let database: TestDatabase;
  let folder: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    folder = await mkdtemp(join(tmpdir(), 'switchboard-prices-'));
  });
  afterAll(async () => {
    await database.drop();
    await rm(folder, { recursive: true });
  });

  async function run(...args: string[]): Promise<string> {
    const env = { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: '' };
    const { stdout } = await promisify(execFile)(process.execPath, [COMMAND, ...args], { env });
    return stdout;
  }

  const stored = async () => {
    const [row] = await database.query(
      `select version, config_data -> 'models' as models from admin_config where config_key = 'model_catalog'`,
    );
    return row as { version: number; models: Array<{ id: string; pricing: object }> };
  };

  it('prints what it would change', async () => {
    const printed = await run('--dry-run');
    expect(printed).toMatch(
      /^! google\/gemini-2\.5-pro \(used by .*chat_agent_google.*\): switched off on 2026-12-01; use gemini-3\.8-flash$/m,
    );
    expect(printed).toMatch(/^\+ openai\/gpt-6\.1-sol: \{"input":2,/m);
    expect(printed).toMatch(/^\d+ changes would be made; nothing was changed\.$/m);
    expect((await stored()).version).toBe(1);
  });

  it('reads prices from a file of price data', async () => {
    const file = join(folder, 'data.json');
    const models = [
      {
        id: 'gemini-2.5-pro',
        prices: {
          input_mtok: { base: 9, tiers: [{ start: 200_000, price: 18 }] },
          output_mtok: 27,
        },
      },
    ];
    await writeFile(file, JSON.stringify([{ id: 'google', models }]));
    const printed = await run('--dry-run', '--from', file);
    expect(printed).toMatch(
      /^~ google\/gemini-2\.5-pro .* -> \{"input":9,.*"aboveInputTokens":200000,"input":18/m,
    );
    await writeFile(file, '{"not": "prices"}');
    await expect(run('--from', file)).rejects.toThrow('this is not price data of genai-prices');
  });

  it('changes the catalog, with a version and an entry in the audit log', async () => {
    expect(await run()).toMatch(/changes are made: model_catalog is at version 2\.$/m);
    const { version, models } = await stored();
    expect(version).toBe(2);
    for (const { id, pricing } of DEFAULT_CATALOG.models)
      expect(models.find((model) => model.id === id)).toMatchObject({ id, pricing });
    const audit = await database.query(
      `select actor, action, target from switchboard.audit_log where target = 'model_catalog'`,
    );
    expect(audit).toEqual([{ actor: null, action: 'config.updated', target: 'model_catalog' }]);
    expect(await run()).toBe('model_catalog (version 2) is up to date.\n');
    await expect(run('--unknown')).rejects.toThrow('usage: npm run catalog:refresh');
  });
});
