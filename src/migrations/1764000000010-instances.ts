import type { MigrationInterface, QueryRunner } from 'typeorm';
import { BEAT } from './functions/beat.js';
import { INSTANCE_STATE } from './functions/instance_state.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

const FUNCTIONS = [INSTANCE_STATE, BEAT];

/**
 * The instances of the server that use this database: each has a row, and says every second that it is alive. The mark of
 * a running answer can also carry the request to stop it, for the instance that is writing it, and says whether anyone reads the answer: on that instance,
 * and on which other ones.
 */
export class Instances1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table switchboard.instances (
        id integer primary key,
        started_at timestamptz(3) not null default now(),
        beat_at timestamptz not null,
        steady_since timestamptz not null,
        flushed_at timestamptz,
        has_lock boolean not null
      );
      alter table switchboard.instances enable row level security;
      revoke all on switchboard.instances from public, anon, authenticated`);
    await runner.query(`
      alter table public."Stream"
        add column "isStopping" boolean not null default false,
        add column "isUnread" boolean not null default false,
        add column "followedBy" integer[]`);
    await createFunctions(runner, FUNCTIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropFunctions(runner, FUNCTIONS);
    await runner.query('drop table switchboard.instances');
    await runner.query(`
      alter table public."Stream" drop column "isStopping", drop column "isUnread", drop column "followedBy"`);
  }
}
