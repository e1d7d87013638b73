import { randomInt } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { Notifications } from './notifications.js';

/**
 * Marks this process as alive with an advisory lock on the listening connection. PostgreSQL releases the lock as soon
 * as the process ends, also after a crash.
 */
@Injectable()
export class InstanceLock implements OnModuleInit {
  readonly instanceId = randomInt(1, 2 ** 31 - 1);

  constructor(private readonly notifications: Notifications) {}

  async onModuleInit(): Promise<void> {
    await this.notifications.onConnect(async (client) => {
      await client.query('select pg_advisory_lock($1, $2)', [ADVISORY_LOCKS.instance, this.instanceId]);
    });
  }
}
