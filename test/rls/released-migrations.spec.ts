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
 * SHA-256 of everything that a migration sends to the database, up and down: its own statements and those of everything
 * it includes. A comment or a name in TypeScript may change, but not a statement.
 */
const RELEASED: Record<string, string> = {
  SupabaseFoundation1764000000001: 'bad404ef0ffb6b0f1f6e5099e9592e1cbde96c057075183c8ac12699e9a09cb5',
  Tables1764000000002: '81d2cb229b6d86e4f6dff25bfb1589d4eb8a17be84dd789754d71b9a704ddf33',
  Access1764000000003: 'abfbaa7b88279fd69313a21a937d762c9f092d4ee6e4e5135ab43bc94dd6dba2',
  UserRoleGuard1764000000004: 'd70652e1ed0967ab84ccad971a05dd7f430e9033dcf5708d4d3c0982809cc6ce',
  UsageAccounting1764000000005: '306c030a04955fe96eef0a7fd20fda04c913614a959874ac5aa8badbfcfdf399',
  Configuration1764000000006: '8a96adaaeeb3cdf606075de2a1a5aa305658f9961e407d0f5a093f50d75d2c73',
  Files1764000000007: '8fdadc76a92091102cc8c946d4dfcd5fdd8555b841d9cd553b8bee08e57d1a47',
  Search1764000000008: 'dc8385e272f893ab3d0d45a894509d7a37eff422269b366ff9e129995cde5072',
  Compaction1764000000009: '2a6ac912ba7c55b35c4c944b1554d66ef73f24dd48fc7f9fd53d351fc7e383c1',
  Instances1764000000010: '6aa667ce55d70304c611223b014ee28e4f8aa57f117ca382d41528eda639ca2b',
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

/** The exports of a file in `functions/`. */
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

  it('is not removed', () => {
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
  it('has every function as in its file, and no other', async () => {
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
    const database = await createTestDatabase({ seeded: true });
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
