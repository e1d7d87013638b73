import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrationOptions } from '../../src/common/database/migrate.js';
import type { SqlFunction } from '../../src/migrations/sql-functions.js';
import { DEFAULT_CONFIG } from '../../src/modules/admin-config/defaults/default-config.js';
import { createTestDatabase } from '../support/postgres.js';
import { describeCatalog } from './catalog.js';

const MIGRATIONS = migrationOptions('').migrations as Array<new () => MigrationInterface>;
const FOLDER = 'src/migrations';
const FUNCTIONS = `${FOLDER}/functions`;

/**
 * SHA-256 of everything that a migration sends to the database, forward and back: its own statements and those of all that
 * it includes. A comment or a name in TypeScript may change; a statement may not.
 */
const RELEASED: Record<string, string> = {
  SupabaseFoundation1764000000001: '8080321cdc85b3cb69da1c132c4b3fc7cc5bf8449f108b2ef94b81ea995bcc53',
  Tables1764000000002: '030d794d87f3572357d29693b848bd4de45539bf3ef521f69bf9c99158e47bfa',
  Access1764000000003: '8cb471e2c644f0f81fb7d4672a19d01c060ed96796ca26e6522737a336e99605',
  UserRoleGuard1764000000004: '7aa883e47e3ac5528a614271437268200e6891ba43129a4bf2cf272145de1ab8',
  UsageAccounting1764000000005: 'f949a95270c21583ddc7c6110c63144674fdfb6e5d1237d7eefbadd93b2b6384',
  Configuration1764000000006: '79fca43e8464a7a2d5e5704af644f505f0c0f7977d79f56902f6ea2a800e5a4f',
  Files1764000000007: '8fdadc76a92091102cc8c946d4dfcd5fdd8555b841d9cd553b8bee08e57d1a47',
};

async function hashOf(Migration: new () => MigrationInterface): Promise<string> {
  const hash = createHash('sha256');
  const recorder = {
    query: (...statement: unknown[]) => {
      hash.update(`${JSON.stringify(statement)}\n`);
      return Promise.resolve([]);
    },
  } as unknown as QueryRunner;
  const migration = new Migration();
  await migration.up(recorder);
  hash.update('down\n');
  await migration.down(recorder);
  return hash.digest('hex');
}

/** What a file of `functions/` exports. */
async function functionsOf(file: string): Promise<SqlFunction[]> {
  const module = (await import(`../../${FUNCTIONS}/${file}`)) as Record<string, SqlFunction>;
  return Object.values(module);
}

describe('a released migration', () => {
  it('never changes', async () => {
    const changed: string[] = [];
    for (const Migration of MIGRATIONS) {
      const hash = await hashOf(Migration);
      const released = RELEASED[Migration.name];
      if (released === undefined) changed.push(`${Migration.name} is new: add its hash here, ${hash}`);
      else if (hash !== released) {
        changed.push(
          `${Migration.name} has been released and sends something else now (${hash}): write a new migration instead`,
        );
      }
    }
    expect(changed).toEqual([]);
  });

  it('is not taken away', () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect(Object.keys(RELEASED).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('migrations', () => {
  it('import nothing that changes for another reason', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const imports = files.flatMap((file) =>
      [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/ from '(.+?)'/g)].map(([, target = '']) =>
        target.startsWith('.') ? normalize(join(FOLDER, file, '..', target)) : target,
      ),
    );
    expect(imports.length).toBeGreaterThan(30);
    expect(imports.filter((target) => !target.startsWith(`${FOLDER}/`) && target !== 'typeorm')).toEqual([]);
  });
});

describe('a migrated database', () => {
  it('has every function as its file says, and no other', async () => {
    const database = await createTestDatabase();
    try {
      const files = readdirSync(FUNCTIONS).filter((name) => name.endsWith('.ts'));
      const rows = await database.query(
        `select distinct proname as name from pg_proc where pronamespace = 'switchboard'::regnamespace`,
      );
      expect(files.map((file) => file.replace('.ts', '')).toSorted()).toEqual(
        rows.map(({ name }) => name as string).toSorted(),
      );
      const migrated = await describeCatalog(database);
      for (const file of files) {
        const functions = await functionsOf(file);
        expect({ file, functions: functions.length > 0 }).toEqual({ file, functions: true });
        for (const { signature, definition } of functions) {
          expect(signature).toMatch(new RegExp(`^switchboard\\.${file.replace('.ts', '')}\\(`));
          await database.query(definition);
        }
      }
      expect(await describeCatalog(database)).toEqual(migrated);
    } finally {
      await database.drop();
    }
  });

  it('has the defaults of this version as its configuration', async () => {
    const database = await createTestDatabase();
    try {
      const rows = await database.query('select config_key as key, config_data as data from admin_config');
      expect(Object.fromEntries(rows.map(({ key, data }) => [key, data]))).toEqual(
        JSON.parse(JSON.stringify(DEFAULT_CONFIG)),
      );
    } finally {
      await database.drop();
    }
  });
});
