import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DEFAULT_CONFIG } from '../modules/admin-config/defaults/default-config.js';

/** Sound defaults for every configuration key. A row that is there already is left as it is. */
export class DefaultConfig1764000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `insert into admin_config (config_key, config_data)
       select key, value from jsonb_each($1::jsonb) on conflict (config_key) do nothing`,
      [JSON.stringify(DEFAULT_CONFIG)],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('delete from admin_config where config_key = any($1)', [Object.keys(DEFAULT_CONFIG)]);
  }
}
