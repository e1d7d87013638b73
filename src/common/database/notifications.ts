import type { Duplex } from 'node:stream';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { DatabaseRoute } from './database-route.js';
import { SILENCE_LIMIT } from './time-limits.js';

const RECONNECT_DELAY = 1_000;

type Handler = (payload: string) => void;

/** How often handlers are called if there is no connection to listen on, in milliseconds. */
const PULSE = 1_000;

/**
 * Listens to PostgreSQL's NOTIFY on its own connection, so that caches on every instance are cleared when a row
 * changes. No notifications arrive while the connection is lost. Caches must therefore also have a short lifetime.
 *
 * A transaction pooler does not support LISTEN. Behind one, all handlers are called every second instead, unless
 * `DIRECT_URL` is set. The connection then only runs short statements.
 */
@Injectable()
export class Notifications implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly handlers = new Map<string, Set<Handler>>();
  private readonly connectHandlers = new Set<(client: pg.Client) => Promise<void>>();
  private client?: pg.Client;
  private reconnectTimer?: NodeJS.Timeout;
  /** Set from the loss of the connection, which is logged once, to its return. */
  private isAway = false;
  private closed = false;
  private pinging?: Promise<unknown>;

  private pulse?: NodeJS.Timeout;
  private url?: string;
  /** False behind a pooler. The connection has no session of its own there. */
  private canListen = true;

  constructor(private readonly route: DatabaseRoute) {}

  /** Whether handlers learn of changes only by the pulse. */
  get isPolling(): boolean {
    return !this.canListen;
  }

  /** Calls `handler` with the payload of each notification on `channel`, and with '' if some may have been missed. */
  on(channel: string, handler: Handler): void {
    const handlers = this.handlers.get(channel) ?? new Set();
    handlers.add(handler);
    this.handlers.set(channel, handlers);
    if (handlers.size === 1 && this.canListen) {
      this.client?.query(`LISTEN ${pg.escapeIdentifier(channel)}`).catch(() => undefined);
    }
  }

  /** Runs `handler` on the listening connection now (if there is one) and after each reconnection. */
  async onConnect(handler: (client: pg.Client) => Promise<void>): Promise<void> {
    this.connectHandlers.add(handler);
    if (this.client && this.canListen) await handler(this.client);
  }

  /**
   * Runs a short statement on this connection, which waits for no other work of the server. It is prepared under its name
   * if the connection has a session of its own. Undefined while there is no connection.
   */
  query<T>(name: string, text: string, values: unknown[]): Promise<T[]> | undefined {
    const { client } = this;
    const statement = this.canListen ? { name, text, values } : { text, values };
    return (
      client &&
      this.orLost(client, client.query<pg.QueryResultRow>(statement)).then(
        ({ rows }) => rows as unknown as T[],
      )
    );
  }

  /** Calls the handlers of a channel as if a notification had arrived. */
  receive(channel: string, payload: string): void {
    this.dispatch(channel, payload);
  }

  /** Resolves when PostgreSQL answers on this connection. Requests may have taken all others. */
  async ping(): Promise<void> {
    const { client } = this;
    if (!client) throw new Error('The listening connection to the database was lost.');
    // One at a time: they would pile up on a stuck connection.
    this.pinging ??= this.orLost(client, client.query('select 1')).finally(() => (this.pinging = undefined));
    await this.pinging;
  }

  async onModuleInit(): Promise<void> {
    const sessionUrl = await this.route.sessionUrl();
    this.canListen = sessionUrl !== undefined;
    this.url = sessionUrl ?? this.route.url;
    if (!this.canListen) this.pulse = setInterval(() => this.dispatchAll(), PULSE).unref();
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearInterval(this.pulse);
    clearTimeout(this.reconnectTimer);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      query_timeout: SILENCE_LIMIT.listening,
      application_name: 'switchboard-listener',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client));
    client.on('notification', ({ channel, payload }) => this.dispatch(channel, payload ?? ''));
    try {
      await client.connect();
      if (this.canListen) await this.listen(client);
      this.client = client;
      if (this.isAway) this.logger.log('The database can be listened to again.');
      this.isAway = false;
      this.dispatchAll();
    } catch (error) {
      await client.end().catch(() => undefined);
      this.lost(client, error as Error);
    }
  }

  private async listen(client: pg.Client): Promise<void> {
    for (const channel of this.handlers.keys()) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    for (const handler of this.connectHandlers) await handler(client);
  }

  /** PostgreSQL answers these statements at once, or its host has vanished without ending the connection. */
  private async orLost<T>(client: pg.Client, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof Error && error.message === 'Query read timeout') {
        (client as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
        this.lost(client, error);
      }
      throw error;
    }
  }

  private lost(client: pg.Client, error?: Error): void {
    if (this.closed || (this.client !== undefined && this.client !== client) || this.reconnectTimer) return;
    this.client = undefined;
    if (!this.isAway)
      this.logger.warn({ err: error }, 'The listening connection to the database was lost. Trying again.');
    this.isAway = true;
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      void this.connect();
    }, RECONNECT_DELAY);
    this.reconnectTimer.unref();
  }

  /** Some notifications may have been missed. */
  private dispatchAll(): void {
    for (const channel of this.handlers.keys()) this.dispatch(channel, '');
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
