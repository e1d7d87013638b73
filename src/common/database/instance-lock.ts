import { randomInt } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type pg from 'pg';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { Notifications } from './notifications.js';

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
      await client.query('select pg_advisory_lock($1, $2)', [ADVISORY_LOCKS.instance, this.instanceId]);
      this.holder = client;
      const onLost = () => {
        if (this.holder === client) this.holder = undefined;
      };
      client.once('error', onLost).once('end', onLost);
    });
  }
}
