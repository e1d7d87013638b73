import { randomUUID } from 'node:crypto';
import { type GithubDouble, startGithubDouble } from '../doubles/github/github-double.js';
import { startMcpDouble } from '../doubles/github/mcp-double.js';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import {
  insertChat,
  insertDocument,
  insertMessage,
  insertRepository,
  insertSuggestion,
  insertUsageLog,
  insertUser,
  insertVote,
} from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { freePort } from '../support/free-port.js';
import { type ServerProcess, startServerProcess } from '../support/server-process.js';
import { signToken, TEST_JWT_SECRET } from '../support/tokens.js';
import { COPIES, type ResourceName } from './arbitrary.js';
import type { CallerName } from './request.js';

/** Values that must not be in any response. */
export const SECRETS = {
  SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
  GOOGLE_GENERATIVE_AI_API_KEY: 'google-server-key-51c07e',
  OPENAI_API_KEY: 'openai-server-key-90ab3d',
  ANTHROPIC_API_KEY: 'anthropic-server-key-77fe12',
};

/** The users and resources that the next requests refer to. */
export interface Scene {
  tokens: Record<Exclude<CallerName, 'nobody'>, string>;
  /** By placeholder, without its sign. */
  values: Record<string, string>;
}

export interface LoopDelay {
  /** In milliseconds: the longest since the last measurement. */
  delay: number;
  /** The part of it in which the server computed. */
  processor: number;
}

/** The real server in its own process, with doubles of other services. */
export interface Target {
  url: string;
  /** Creates new users with new resources, so that what the last requests deleted exists again. */
  newScene(): Promise<Scene>;
  /** Restores the configuration. */
  restoreConfig(): Promise<void>;
  /** The longest delay of the event loop since the last call. */
  loopDelay(): Promise<LoopDelay>;
  /** The server's output, and its errors. */
  output(): string;
  isAlive(): boolean;
  close(): Promise<void>;
}

export async function startTarget(): Promise<Target> {
  const database = await createTestDatabase();
  const provider = await startProviderDouble({ keep: 100 });
  const suggestions = [{ originalText: 'upon a day', suggestedText: 'at night', description: 'Darker.' }];
  provider.enqueue(
    { text: [JSON.stringify({ suggestions })] },
    { when: ({ instructions }) => instructions.includes('You are an editor'), times: Infinity },
  );
  const github = await startGithubDouble();
  github.repositories.push({ owner: 'octo-org', name: 'hello-world' });
  const mcp = await startMcpDouble();
  await database.query(
    `update admin_config set config_data = jsonb_set(config_data, '{mcp,url}', to_jsonb($1::text))
      where config_key like 'git_mcp_agent_%'`,
    [mcp.url],
  );
  const probePort = await freePort();
  const server = await startServer(database, provider, github, probePort);
  const config = await database.query('select * from admin_config');
  const admin = await insertUser(database, { role: 'admin' });

  return {
    url: server.url,
    newScene: async () => plantScene(database, admin),
    restoreConfig: async () => {
      const rows = JSON.stringify(config);
      await database.query(
        `merge into admin_config using jsonb_populate_recordset(null::admin_config, $1::jsonb) saved
           on admin_config.config_key = saved.config_key
         when matched and admin_config.config_data <> saved.config_data
           then update set config_data = saved.config_data
         when not matched then insert (config_key, config_data) values (saved.config_key, saved.config_data)`,
        [rows],
      );
      await database.query(
        `update auth.users set raw_user_meta_data = '{"role": "admin", "isActive": true}' where id = $1`,
        [admin],
      );
    },
    loopDelay: async () => (await (await fetch(`http://127.0.0.1:${probePort}`)).json()) as LoopDelay,
    output: server.output,
    isAlive: () => server.process.exitCode === null && server.process.signalCode === null,
    close: async () => {
      await server.stop('SIGKILL');
      await provider.close();
      await github.close();
      await mcp.close();
      await database.drop();
    },
  };
}

function startServer(
  database: TestDatabase,
  provider: ProviderDouble,
  github: GithubDouble,
  probePort: number,
): Promise<ServerProcess> {
  return startServerProcess({
    NODE_ENV: 'test',
    LOG_LEVEL: 'error',
    NODE_OPTIONS: `--import=${new URL('./event-loop-probe.js', import.meta.url).href}`,
    FUZZ_PROBE_PORT: String(probePort),
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: '8',
    THROTTLE_LIMIT: '0',
    GOOGLE_BASE_URL: provider.googleUrl,
    OPENAI_BASE_URL: provider.openaiUrl,
    ANTHROPIC_BASE_URL: provider.anthropicUrl,
    GITHUB_API_URL: github.url,
    ...SECRETS,
  });
}

/** Three of everything, for one user. The users that an administrator may change are others. */
async function plantScene(database: TestDatabase, admin: string): Promise<Scene> {
  const user = await insertUser(database);
  const values: Record<string, string> = {};
  await Promise.all(
    Array.from({ length: COPIES }, async (_, index) => {
      const put = (name: ResourceName, id: string) => (values[`${name}.${index}`] = id);
      put('user', await insertUser(database));
      const chat = put(
        'chat',
        await insertChat(database, user, { visibility: index === 1 ? 'public' : 'private', title: 'A chat' }),
      );
      const question = await insertMessage(database, chat, { createdAt: at(1) });
      const answer = await insertMessage(database, chat, {
        role: 'assistant',
        createdAt: at(2),
        input_tokens: 10,
        output_tokens: 5,
        cost: '0.001',
      });
      put('message', index === 0 ? question : answer);
      if (index > 0) await insertVote(database, chat, answer);
      const document = put(
        'document',
        await insertDocument(database, user, { createdAt: at(1), kind: index === 2 ? 'code' : 'text' }),
      );
      await insertDocument(database, user, { id: document, content: 'Once upon a day', createdAt: at(2) });
      put('suggestion', await insertSuggestion(database, user, document));
      put('repository', await insertRepository(database, user));
      await insertUsageLog(database, user, {
        chat_id: chat,
        total_cost: '0.25',
        response_timestamp: new Date(),
        duration_ms: 12,
        metadata: { status: 'success' },
      });
    }),
  );
  values['version.0'] = at(1);
  values['cursor'] = Buffer.from(`${at(2)}|${randomUUID()}`).toString('base64url');
  return { tokens: { user: await signToken(user), admin: await signToken(admin) }, values };
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
