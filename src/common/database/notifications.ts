import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';

const RECONNECT_DELAY = 1_000;

type Handler = (payload: string) => void;

/**
 * Listens to PostgreSQL's NOTIFY on its own connection, so that caches on every instance are cleared when a row
 * changes. No notifications arrive while the connection is lost, or behind a transaction pooler, which does not support
 * LISTEN. Caches must therefore also have a short lifetime.
 */
@Injectable()
export class Notifications implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly handlers = new Map<string, Set<Handler>>();
  private readonly connectHandlers = new Set<(client: pg.Client) => Promise<void>>();
  private client?: pg.Client;
  private reconnectTimer?: NodeJS.Timeout;
  private closed = false;
  private pinging?: Promise<unknown>;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** Calls `handler` with the payload of each notification on `channel`, and with '' if some may have been missed. */
  on(channel: string, handler: Handler): void {
    const handlers = this.handlers.get(channel) ?? new Set();
    handlers.add(handler);
    this.handlers.set(channel, handlers);
    if (handlers.size === 1) {
      this.client?.query(`LISTEN ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
    }
  }

  /** Runs `handler` on the listening connection now (if there is one) and after each reconnection. */
  async onConnect(handler: (client: pg.Client) => Promise<void>): Promise<void> {
    this.connectHandlers.add(handler);
    if (this.client) await handler(this.client);
  }

  /**
   * Runs a short statement on the listening connection, which waits for no other work of the server. Undefined while
   * there is no such connection.
   */
  query<T>(text: string, parameters: unknown[]): Promise<T[]> | undefined {
    return this.client
      ?.query<pg.QueryResultRow>(text, parameters)
      .then(({ rows }) => rows as unknown as T[]);
  }

  /** Resolves when PostgreSQL answers on the listening connection. */
  async ping(): Promise<void> {
    const { client } = this;
    if (!client) throw new Error('The listening connection to the database was lost.');
    // One at a time: they would pile up on a stuck connection.
    this.pinging ??= client.query('select 1').finally(() => (this.pinging = undefined));
    await this.pinging;
  }

  async onModuleInit(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnectTimer);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.config.database.url,
      keepAlive: true,
      application_name: 'switchboard-listener',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client));
    client.on('notification', ({ channel, payload }) => this.dispatch(channel, payload ?? ''));
    try {
      await client.connect();
      for (const channel of this.handlers.keys())
        await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      for (const handler of this.connectHandlers) await handler(client);
      this.client = client;
      for (const channel of this.handlers.keys()) this.dispatch(channel, '');
    } catch (error) {
      await client.end().catch(() => undefined);
      this.lost(client, error as Error);
    }
  }

  private lost(client: pg.Client, error?: Error): void {
    if (this.closed || (this.client !== undefined && this.client !== client) || this.reconnectTimer) return;
    this.client = undefined;
    this.logger.warn({ err: error }, 'The listening connection to the database was lost. Trying again.');
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      void this.connect();
    }, RECONNECT_DELAY);
    this.reconnectTimer.unref();
  }

  private dispatch(channel: string, payload: string): void {
    for (const handler of this.handlers.get(channel) ?? []) {
      try {
        handler(payload);
      } catch (error) {
        this.logger.error({ err: error, channel }, 'A notification could not be processed.');
      }
    }
  }
}
