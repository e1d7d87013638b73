import { execFile } from 'node:child_process';
import pg from 'pg';
import {
  describeVerified,
  differencesIn,
  verifyDatabase,
} from '../../src/common/database/verify/verify-database.js';
import { catalogOf, withCatalog } from '../../src/common/database/verify/catalog.js';
import { EXPECTED, takeSnapshot } from '../../src/common/database/verify/snapshot.js';
import { migrationOptions } from '../../src/common/database/migrate.js';
import { DEFAULT_CONFIG } from '../../src/modules/admin-config/defaults/default-config.js';
import { createMigratedSupabaseDatabase } from '../rls/supabase-database.js';
import { freePort } from '../support/free-port.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import * as damages from './db-verify.damage.js';

describe('db:verify', () => {
  /** The lines that are reported for a database with this damage. */
  async function differencesAfter(damage?: string): Promise<string[]> {
    const database = await createTestDatabase();
    try {
      if (damage !== undefined) await database.query(damage);
      return await verifyDatabase({ url: database.url });
    } finally {
      await database.drop();
    }
  }

  it('finds nothing wrong with a migrated database', async () => {
    expect(await differencesAfter()).toEqual([]);
  });

  it('finds nothing wrong with a Supabase database, for its operator', async () => {
    const database = await createMigratedSupabaseDatabase();
    try {
      expect(await verifyDatabase({ url: database.operatorUrl })).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  it('ignores additional objects in a database', async () => {
    expect(await differencesAfter(damages.ADDITIONS)).toEqual([]);
  });

  const all = [
    ...damages.STRUCTURE,
    ...damages.ACCESS,
    ...damages.ROUTINES,
    ...damages.CONTENT,
    ...damages.USAGE,
  ];
  describe('of a transaction that is rolled back', () => {
    let database: TestDatabase;
    let client: pg.Client;

    beforeAll(async () => {
      database = await createTestDatabase();
      client = new pg.Client(database.url);
      await client.connect();
    });
    afterEach(() => client.query('rollback'));
    afterAll(async () => {
      await client?.end();
      await database?.drop();
    });

    it.each(all)('reports %s', async (damage, differences) => {
      await client.query('begin');
      await client.query(damage);
      expect((await differencesIn(await catalogOf(client))).toSorted()).toEqual(differences);
    });
  });

  it('prints names that need another search path', async () => {
    const database = await createTestDatabase();
    try {
      await database.query(`
        do $do$ begin
          execute format('alter database %I set search_path = auth, switchboard, public', current_database());
        end $do$`);
      expect(await verifyDatabase({ url: database.url })).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  it('reports everything that an empty database lacks, and nothing inside missing tables', async () => {
    const database = await createTestDatabase({ migrated: false });
    try {
      const differences = await verifyDatabase({ url: database.url });
      const { migrations = [] } = migrationOptions(database.url);
      expect(differences.filter((line) => line.startsWith('pending migration '))).toHaveLength(
        Object.keys(migrations).length,
      );
      expect(differences).toEqual(
        expect.arrayContaining(EXPECTED.tables.map((name) => `missing table ${name}`)),
      );
      expect(differences).toContain('missing function switchboard.is_admin()');
      expect(differences).toContain('missing trigger switchboard_user_role on auth.users');
      expect(differences.filter((line) => / (column|index|policy|configuration) /.test(line))).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  it('expects what the migrations create now (if not, run `npm run db:snapshot`)', async () => {
    const database = await createTestDatabase();
    try {
      expect(await withCatalog(database.url, takeSnapshot)).toEqual(EXPECTED);
    } finally {
      await database.drop();
    }
    expect(EXPECTED.configurationKeys).toEqual(Object.keys(DEFAULT_CONFIG).toSorted());
  });

  describe('as a command', () => {
    interface Outcome {
      code: number;
      stdout: string;
      stderr: string;
    }

    function run(url: string): Promise<Outcome> {
      return new Promise((resolve) => {
        const command = ['dist/src/common/database/cli/verify.js'];
        const env = { PATH: process.env['PATH'], DATABASE_URL: url };
        execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        });
      });
    }

    it('prints one line if all is well', async () => {
      const database = await createTestDatabase();
      try {
        const { code, stdout, stderr } = await run(database.url);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toBe(`The database matches: ${describeVerified()}.\n`);
        expect(stdout).toMatch(/^The database matches: 33 tables, \d+ columns, .* 46 policies, /);
      } finally {
        await database.drop();
      }
    });

    it('prints each difference on a line, and fails', async () => {
      const database = await createTestDatabase();
      try {
        await database.query(`drop index idx_chat_user_created; drop policy vote_v2_insert on "Vote_v2"`);
        expect(await run(database.url)).toEqual({
          code: 1,
          stdout: 'missing index idx_chat_user_created on chat\nmissing policy vote_v2_insert on Vote_v2\n',
          stderr: '',
        });
      } finally {
        await database.drop();
      }
    });

    it.each([
      ['127.0.0.1', /^switchboard: Nothing listens where DATABASE_URL leads.*ECONNREFUSED.*\n$/],
      ['localhost', /^switchboard: Nothing listens where DATABASE_URL leads.*ECONNREFUSED.*\n$/],
    ])('prints one line if it cannot reach a database at %s, without the password', async (host, line) => {
      const port = await freePort();
      const { code, stdout, stderr } = await run(`postgres://operator:s3cret-word@${host}:${port}/chat`);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(line);
      expect(stderr).not.toContain('s3cret-word');
    });

    it('prints one line if the URL is invalid', async () => {
      const { code, stdout, stderr } = await run('postgres://operator:s3cret/word@host/chat');
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe('switchboard: The database cannot be reached: Invalid URL.\n');
    });
  });
});
