import { randomInt } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type pg from 'pg';
import { postgresCode } from '../errors/postgres-errors.js';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { Notifications } from './notifications.js';

/** How long to wait for a lost session of this process to end, in milliseconds. */
const PATIENCE = 2_000;

/**
 * The number of this process, and an advisory lock on it on the listening connection. PostgreSQL releases the lock when
 * the process ends, also after a crash. An instance that beats no more and has lost its lock is known to be dead sooner.
 */
@Injectable()
export class InstanceLock implements OnModuleInit {
  readonly instanceId = randomInt(1, 2 ** 31 - 1);

  private holder?: pg.Client;

  constructor(private readonly notifications: Notifications) {}

  /** False while the listening connection is away. */
  get isHeld(): boolean {
    return this.holder !== undefined;
  }

  async onModuleInit(): Promise<void> {
    await this.notifications.onConnect(async (client) => {
      if (!(await this.takeLock(client))) return;
      this.holder = client;
      const onLost = () => {
        if (this.holder === client) this.holder = undefined;
      };
      client.once('error', onLost).once('end', onLost);
    });
  }

  /** @returns false if an earlier session still has the lock: the connection was lost, and PostgreSQL has not noticed */
  private async takeLock(client: pg.Client): Promise<boolean> {
    try {
      await client.query(`begin; set local lock_timeout = ${PATIENCE}`);
      await client.query('select pg_advisory_lock($1, $2)', [ADVISORY_LOCKS.instance, this.instanceId]);
      await client.query('commit');
      return true;
    } catch (error) {
      if (postgresCode(error) !== '55P03') throw error;
      await client.query('rollback');
      return false;
    }
  }
}
