import {
  CONFIG_KEYS,
  CONFIG_SCHEMAS,
  type ConfigKey,
  jsonSchemaOf,
} from '../../src/modules/admin-config/config-schemas.js';
import { DEFAULT_CONFIG } from '../../src/modules/admin-config/defaults/default-config.js';
import { insertUser } from '../fixtures/rows.js';
import { type Actor, ANONYMOUS, connect, type Connection, signedIn } from '../rls/session.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Every field of a schema, in addition to those of the defaults. */
const COMPLETE: Record<string, object> = {
  ...(DEFAULT_CONFIG as Record<string, object>),
  git_mcp_agent_google: {
    ...(DEFAULT_CONFIG['git_mcp_agent_google'] as object),
    budget: { daily: 1, monthly: 10.5 },
    parameters: { temperature: 0.5, topP: 0.5, topK: 5, maxOutputTokens: 500 },
    mcp: {
      url: 'http://127.0.0.1:3001/mcp?x=1#y',
      toolsets: ['repos', 'pull_requests'],
      tools: ['get_file-contents'],
      excludeTools: ['delete_file'],
      readOnly: false,
      lockdown: true,
      maxResultCharacters: 100,
      timeoutMs: 600_000,
    },
  },
  model_catalog: {
    models: [
      {
        id: 'vendor/model:tag',
        provider: 'openai',
        name: 'A model',
        contextWindow: 1,
        maxOutputTokens: 1,
        capabilities: { reasoning: true, fileInput: false, tools: true, imageOutput: false },
        pricing: { input: 0, cachedInput: null, cacheWrite: 0.1, imageInput: 10, output: 1_000_000 },
      },
      { id: 'm', provider: 'google', name: 'M', pricing: { input: 1, output: 2 } },
    ],
  },
};

/** Values that are valid in some places only. */
const SAMPLES: Json[] = [
  null, true, false, 0, 1, -1, 0.5, 1.5, 2.5, 150, 1e7, 1e10, '', ' ', 'text', 'google', 'google/m', 'x/', 'a b',
  'https://example.com/mcp', 'https://u:p@example.com', 'ftp://example.com', 'x'.repeat(201), 'x'.repeat(100_001),
  [], [null], ['createDocument'], ['repos'], [{}], [{ id: 'm' }], [{ id: 'm', isDefault: true }],
  [{ id: 'google/m' }], [{ id: 'm', isDefault: true }, { id: 'm' }],
  [{ id: 'm', isDefault: true }, { id: 'n', isDefault: true }], {}, { unknown: 1 }, { daily: 1 }, { google: 'm' },
  { hourly: 0, daily: 0 },
]; // prettier-ignore

/** The document with one difference: each place once with each sample, without it, and with one additional item. */
function* mutations(document: Json): Generator<Json> {
  yield* SAMPLES;
  if (Array.isArray(document)) {
    yield [...document, ...document];
    // The rest of a long list is like its beginning.
    for (const [index, item] of document.slice(0, 2).entries()) {
      yield document.toSpliced(index, 1);
      for (const changed of mutations(item)) yield document.with(index, changed);
    }
  } else if (typeof document === 'object' && document !== null) {
    yield { ...document, unknown: true };
    for (const [name, member] of Object.entries(document)) {
      const { [name]: _left, ...rest } = document;
      yield rest;
      for (const changed of mutations(member)) yield { ...document, [name]: changed };
    }
  }
}

const withoutTexts = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema, (name, value: unknown) =>
      ['$schema', 'description', 'default'].includes(name) ? undefined : value,
    ),
  );

/** Writes outside of the API: the stored data, and the expected message. */
const BROKEN: Array<[change: string, key: ConfigKey, message: RegExp]> = [
  [`'{}'::jsonb`, 'chat_agent_google', /chat_agent_google: configData\.enabled is required/],
  [`'null'::jsonb`, 'app_settings', /configData must be of type object/],
  [`'"text"'::jsonb`, 'routing_agent', /configData must be of type object/],
  [`config_data - 'rateLimit'`, 'chat_agent_openai', /configData\.rateLimit is required/],
  [
    `config_data || '{"enabled": "true"}'`,
    'chat_agent_openai',
    /configData\.enabled must be of type boolean/,
  ],
  [`config_data || '{"colour": 1}'`, 'chat_agent_openai', /configData\.colour is not a known field/],
  [
    `jsonb_set(config_data, '{models,0,id}', '7')`,
    'artifact_agent_google',
    /configData\.models\.0\.id must be of type string/,
  ],
  [
    `jsonb_set(config_data, '{models}', '[]')`,
    'artifact_agent_google',
    /configData\.models must have at least 1/,
  ],
  [
    `jsonb_set(config_data, '{models}', '[{"id": "gemini-2.5-flash"}]')`,
    'artifact_agent_google',
    /configData\.models must have from 1 to 1 items with/,
  ],
  [
    `jsonb_set(config_data, '{models}', '[{"id": "m", "isDefault": true}, {"id": "m"}]')`,
    'artifact_agent_google',
    /configData\.models must not repeat/,
  ],
  [
    `jsonb_set(config_data, '{rateLimit,hourly}', '-1')`,
    'git_mcp_agent_google',
    /configData\.rateLimit\.hourly must be at least 0/,
  ],
  [
    `jsonb_set(config_data, '{parameters,temperature}', '3')`,
    'git_mcp_agent_google',
    /configData\.parameters\.temperature must be at most 2/,
  ],
  [
    `jsonb_set(config_data, '{mcp,url}', '"javascript:alert(1)"')`,
    'git_mcp_agent_google',
    /configData\.mcp\.url must match/,
  ],
  [
    `jsonb_set(config_data, '{mcp,toolsets}', '[]')`,
    'git_mcp_agent_google',
    /configData\.mcp\.toolsets must have at least 1/,
  ],
  [
    `jsonb_set(config_data, '{tools}', '["rm"]')`,
    'artifact_agent_openai',
    /configData\.tools\.0 must be one of/,
  ],
  [
    `jsonb_set(config_data, '{timeoutMs}', '2.5')`,
    'routing_agent',
    /configData\.timeoutMs must be an integer/,
  ],
  [`jsonb_set(config_data, '{activeProvider}', '"acme"')`, 'app_settings', /activeProvider must be one of/],
  [
    `jsonb_set(config_data, '{models,3,pricing,cachedInput}', '"free"')`,
    'model_catalog',
    /configData\.models\.3\.pricing\.cachedInput must be of type number/,
  ],
];

describe('the configuration in the database', () => {
  let database: TestDatabase;
  let connection: Connection;
  let adminId: string;
  let userId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    connection = await connect(database);
    adminId = await insertUser(database, { role: 'admin' });
    userId = await insertUser(database);
  });

  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  /** As the operator, without any record. */
  const attempt = (sql: string, values?: unknown[], actor?: Actor) =>
    connection.rolledBack(actor, (session) => session.query(sql, values));

  it('uses exactly the schemas of the API', async () => {
    const rows = await database.query('select config_key as key, schema from switchboard.config_schemas');
    expect(Object.fromEntries(rows.map(({ key, schema }) => [key, schema]))).toEqual(
      Object.fromEntries(CONFIG_KEYS.map((key) => [key, withoutTexts(jsonSchemaOf(key))])),
    );
  });

  it.each(CONFIG_KEYS)('interprets a schema as the API does: %s', async (key) => {
    const documents = [...mutations(COMPLETE[key] as Json)];
    expect(documents.length).toBeGreaterThan(100);
    const rows = await database.query(
      `select switchboard.schema_problem(schema, document, 'configData') as problem
         from switchboard.config_schemas, jsonb_array_elements($2::jsonb) with ordinality as _ (document, number)
        where config_key = $1 order by number`,
      [key, JSON.stringify(documents)],
    );
    const differences = documents.flatMap((document, index) => {
      const api = CONFIG_SCHEMAS[key].safeParse(document);
      const problem = rows[index].problem as string | null;
      return api.success === (problem === null)
        ? []
        : [{ document: JSON.stringify(document).slice(0, 500), api: api.error?.message ?? 'fits', problem }];
    });
    expect(differences).toEqual([]);
    expect(rows.filter(({ problem }) => problem === null).length).toBeGreaterThan(0);
  });

  it.each(CONFIG_KEYS)('accepts the default: %s', async (key) => {
    const [row] = await attempt(
      `with gone as (delete from admin_config where config_key = $1)
       select config_data as data from admin_config where config_key = $1`,
      [key],
    );
    expect(CONFIG_SCHEMAS[key].parse(row.data)).toEqual(row.data);
    await connection.rolledBack(undefined, async (session) => {
      await session.query('delete from admin_config where config_key = $1', [key]);
      for (const data of [DEFAULT_CONFIG[key], COMPLETE[key]]) {
        const [stored] = await session.query(
          `insert into admin_config (config_key, config_data) values ($1, $2)
           on conflict (config_key) do update set config_data = excluded.config_data
           returning config_data as data`,
          [key, JSON.stringify(data)],
        );
        expect(stored.data).toEqual(data);
      }
    });
  });

  it.each(BROKEN)('refuses %s for %s', async (change, key, message) => {
    const refused = { code: '23514', message: expect.stringMatching(message) };
    const update = `update admin_config set config_data = ${change} where config_key = $1`;
    await expect(attempt(update, [key])).rejects.toMatchObject(refused);
    await expect(attempt(update, [key], signedIn(adminId, 'admin'))).rejects.toMatchObject(refused);
    const insert = `insert into admin_config (config_key, config_data)
                    select config_key, ${change} from admin_config where config_key = $1`;
    await expect(attempt(insert, [key])).rejects.toMatchObject(refused);
  });

  it('refuses an unknown agent, and a changed key', async () => {
    for (const key of ['chat_agent_gogle', 'routing_agent_google', 'chat_agent'])
      await expect(
        attempt(
          'insert into admin_config (config_key, config_data) select $1, config_data from admin_config where config_key = $2',
          [key, 'chat_agent_google'],
        ),
      ).rejects.toMatchObject({ code: '23514', message: `there is no configuration ${key}` });
    await expect(
      attempt(`update admin_config set config_key = 'chat_agent_x' where config_key = 'chat_agent_google'`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it('does not let anyone set the version or another author', async () => {
    await connection.rolledBack(signedIn(adminId, 'admin'), async (session) => {
      const [row] = await session.query(
        `update admin_config set config_data = config_data || '{"enabled": false}', version = 77, updated_by = $1
          where config_key = 'git_mcp_agent_google' returning version, updated_by as "updatedBy"`,
        [userId],
      );
      expect(row).toEqual({ version: 2, updatedBy: adminId });
      const [same] = await session.query(
        `update admin_config set version = 99 where config_key = 'git_mcp_agent_google' returning version`,
      );
      expect(same.version).toBe(2);
    });
  });

  it('continues counting versions after a deletion', async () => {
    await connection.rolledBack(signedIn(adminId, 'admin'), async (session) => {
      const [{ data }] = await session.query(
        `select config_data as data from admin_config where config_key = 'git_mcp_agent_google'`,
      );
      await session.query(`delete from admin_config where config_key = 'git_mcp_agent_google'`);
      await session.query(
        `insert into admin_config (config_key, config_data) values ('git_mcp_agent_google', $1)`,
        [JSON.stringify(data)],
      );
      expect(
        await session.query(
          `select version, action, changed_by as "changedBy", config_data is null as empty
             from switchboard.config_history where config_key = 'git_mcp_agent_google' order by version`,
        ),
      ).toEqual([
        { version: 1, action: 'created', changedBy: null, empty: false },
        { version: 2, action: 'deleted', changedBy: adminId, empty: true },
        { version: 3, action: 'created', changedBy: adminId, empty: false },
      ]);
      expect(
        await session.query(
          `select action, target, actor, details from switchboard.audit_log where actor = $1 order by details -> 'version'`,
          [adminId],
        ),
      ).toMatchObject([
        { action: 'config.deleted', target: 'git_mcp_agent_google', details: { version: 2 } },
        { action: 'config.created', target: 'git_mcp_agent_google', details: { version: 3 } },
      ]);
    });
  });

  it('records nothing on rollback, and nothing if nothing changed', async () => {
    const count = async () =>
      (
        await database.query(
          `select (select count(*) from switchboard.config_history) as versions,
                  (select count(*) from switchboard.audit_log) as entries`,
        )
      )[0];
    const before = await count();
    await attempt(
      `update admin_config set config_data = config_data || '{"enabled": false}' where config_key = 'routing_agent'`,
    );
    await database.query(`update admin_config set config_data = config_data, updated_at = now()`);
    expect(await count()).toEqual(before);
  });

  it('does not prevent deleting a user whose change is older than the check', async () => {
    await connection.rolledBack(undefined, async (session) => {
      await session.query('alter table admin_config disable trigger admin_config_check');
      await session.query(
        `update admin_config set config_data = '{"old": true}', updated_by = $1 where config_key = 'app_settings'`,
        [adminId],
      );
      await session.query('alter table admin_config enable trigger admin_config_check');
      await session.query('delete from auth.users where id = $1', [adminId]);
      expect(
        await session.query(`select updated_by as by from admin_config where config_key = 'app_settings'`),
      ).toEqual([{ by: null }]);
    });
  });

  describe.each(['config_history', 'audit_log', 'config_schemas'])('its %s', (table) => {
    const readable = table !== 'config_schemas';

    beforeAll(async () => {
      await database.query(`insert into switchboard.audit_log (action, target) values ('test', 'test')`);
    });

    it('can only be read by administrators', async () => {
      const read = (actor: Actor) =>
        connection.rolledBack(actor, (session) => session.attempt(`select * from switchboard.${table}`));
      expect(await read(signedIn(adminId, 'admin'))).toBe(readable ? 'rows' : 'denied');
      expect(await read(signedIn(userId))).toBe(readable ? 'none' : 'denied');
      expect(await read(ANONYMOUS)).toBe('denied');
    });

    it.each([
      `delete from switchboard.${table}`,
      `truncate switchboard.${table}`,
      table === 'audit_log'
        ? `insert into switchboard.audit_log (action, target) values ('forged', 'x')`
        : `update switchboard.${table} set config_key = 'forged'`,
    ])('cannot be rewritten: %s', async (sql) => {
      for (const actor of [signedIn(adminId, 'admin'), signedIn(userId), ANONYMOUS])
        expect(await connection.rolledBack(actor, (session) => session.attempt(sql))).toBe('denied');
    });
  });
});
