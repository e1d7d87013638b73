import { randomUUID } from 'node:crypto';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import type { TestUser } from './app.js';
import { SERVER_KEYS } from './chat-app.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { signToken, TEST_JWT_SECRET } from './tokens.js';

/** Any number of server processes on one database, with a double for the providers. */
export interface ChatServers {
  database: TestDatabase;
  double: ProviderDouble;
  createUser(): Promise<TestUser>;
  /** Starts the built server, as in production. */
  start(environment?: Record<string, string>): Promise<ServerProcess>;
  /** Kills everything that is still running. */
  close(): Promise<void>;
}

/** @param own the database of a PostgreSQL that the test breaks */
export async function prepareChatServers(own?: TestDatabase): Promise<ChatServers> {
  const database = own ?? (await createTestDatabase());
  const double = await startProviderDouble();
  const started: ServerProcess[] = [];
  return {
    database,
    double,
    createUser: async () => {
      const id = randomUUID();
      const email = `${id.slice(0, 8)}@example.com`;
      await database.query(
        `insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
         values ($1, 'authenticated', 'authenticated', $2, '{}', '{"role": "user", "isActive": true}', now(), now())`,
        [id, email],
      );
      const token = await signToken(id, { email });
      return { id, email, token, headers: { authorization: `Bearer ${token}` } };
    },
    start: async (environment = {}) => {
      const server = await startServerProcess({
        DATABASE_URL: database.url,
        DATABASE_POOL_SIZE: '8',
        SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
        THROTTLE_LIMIT: '0',
        GOOGLE_BASE_URL: double.googleUrl,
        OPENAI_BASE_URL: double.openaiUrl,
        ANTHROPIC_BASE_URL: double.anthropicUrl,
        ...SERVER_KEYS,
        ...environment,
      });
      started.push(server);
      return server;
    },
    close: async () => {
      await Promise.all(started.map((server) => server.stop('SIGKILL')));
      await double.close();
      await database.drop();
    },
  };
}
