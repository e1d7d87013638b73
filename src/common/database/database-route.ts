import { Inject, Injectable, Logger } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { isPooler } from './pooler.js';
import { untilStarted } from './start-retries.js';

/**
 * How this server reaches PostgreSQL. Behind a pooler in transaction mode (PgBouncer, Supavisor), each transaction may
 * run on another connection: prepared statements, `LISTEN` and session locks do not work there. `DIRECT_URL` leads past
 * the pooler.
 */
@Injectable()
export class DatabaseRoute {
  private readonly logger = new Logger(DatabaseRoute.name);
  private pooled?: Promise<boolean>;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  get url(): string {
    return this.config.database.url;
  }

  /** Whether `DATABASE_URL` leads to a pooler. */
  isPooled(): Promise<boolean> {
    return (this.pooled ??= this.look());
  }

  /** Whether statements are prepared. The setting wins over what was found. */
  async preparesStatements(): Promise<boolean> {
    return this.config.database.preparedStatements ?? !(await this.isPooled());
  }

  /** The URL of connections that keep a session. Undefined if only a pooler is known. */
  async sessionUrl(): Promise<string | undefined> {
    const { url, directUrl } = this.config.database;
    return directUrl ?? ((await this.isPooled()) ? undefined : url);
  }

  private async look(): Promise<boolean> {
    const { url, directUrl } = this.config.database;
    const isPooled = await untilStarted(() => isPooler(url));
    if (isPooled) {
      this.logger.log(
        directUrl === undefined
          ? 'DATABASE_URL leads to a connection pooler, and DIRECT_URL is not set. Changes by other instances are noticed within a second. Set DIRECT_URL to notice them at once.'
          : 'DATABASE_URL leads to a connection pooler. Notifications use DIRECT_URL.',
      );
    }
    return isPooled;
  }
}
