import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { compareMigrations, READ_NAMES } from '../../common/database/migrate.js';
import { Database } from '../../common/database/database.js';
import { Notifications } from '../../common/database/notifications.js';
import { within } from '../../common/periodic/within.js';
import { Redis } from '../../common/redis/redis.js';

const CHECK_TIMEOUT = 2_000;

@Injectable()
export class HealthService implements OnModuleDestroy {
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly notifications: Notifications,
    private readonly redis: Redis,
  ) {}

  /** True if the database answers and has all migrations, within two seconds, and the process is not shutting down. */
  async isReady(): Promise<boolean> {
    if (this.stopping) return false;
    const check = this.ask().then(
      () => true,
      () => false,
    );
    return within(CHECK_TIMEOUT, check, () => false);
  }

  /** Undefined if Redis is not configured. */
  async stateOfRedis(): Promise<'up' | 'down' | undefined> {
    if (!this.redis.isConfigured) return undefined;
    return (await this.redis.ask((client) => client.ping())) === undefined ? 'down' : 'up';
  }

  /** A server with all connections in use is busy, not unavailable. The check does not queue behind its work. */
  private async ask(): Promise<void> {
    if (this.database.isSaturated()) await this.notifications.ping();
    else await this.checkMigrations();
  }

  /** The database may have been replaced or rolled back since the start. */
  private async checkMigrations(): Promise<void> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ name: string }>>(READ_NAMES),
    );
    const { missing } = compareMigrations(rows.map(({ name }) => name));
    if (missing.length > 0) throw new Error('The database lacks migrations of this version.');
  }

  /** The first step of a shutdown: load balancers should stop sending requests before anything else happens. */
  onModuleDestroy(): void {
    this.stopping = true;
  }
}
