import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { RedisClientType } from '@redis/client';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { within } from '../periodic/within.js';

/** The time limit of a connection attempt and of a command, in milliseconds. Nothing that Redis carries is worth a longer wait. */
export const TIMEOUT = 500;
/** After a failure, Redis is left alone for this long, in milliseconds. Then one command finds out whether it is back. */
const PAUSE = 1_000;
const LONGEST_RECONNECT_DELAY = 2_000;
/** Commands that wait for an answer. A Redis that hangs must not fill the memory. */
const MAX_COMMANDS = 10_000;

/**
 * Redis or Valkey, at `REDIS_URL`. It carries what instances share for speed. Nothing depends on it for correctness, so
 * each use says what happens without it.
 */
@Injectable()
export class Redis implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Redis.name);
  private client?: RedisClientType;
  private isAway = false;
  private pausedUntil = 0;
  private isProbing = false;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  get isConfigured(): boolean {
    return this.config.redisUrl !== undefined;
  }

  /** False while commands would fail. */
  get isUp(): boolean {
    return this.client?.isReady === true && (!this.isAway || performance.now() >= this.pausedUntil);
  }

  async onModuleInit(): Promise<void> {
    const { redisUrl, isEmbedded, server } = this.config;
    if (redisUrl === undefined) {
      // The embedded stack has one instance.
      if (!isEmbedded && server.throttleLimit > 0)
        this.logger.log('Each instance counts requests for itself, because REDIS_URL is not set.');
      return;
    }
    const client = await this.createClient({
      reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, LONGEST_RECONNECT_DELAY),
    });
    client.on('error', (error: unknown) => this.failed(error));
    client.on('ready', () => this.answered());
    this.client = client;
    const connected = client.connect().catch((error: unknown) => this.failed(error));
    // Usually it is connected before the first request. The server also starts without it.
    await within(TIMEOUT, connected, () => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    client?.destroy();
    return Promise.resolve();
  }

  /**
   * A connection that is not open yet. Its errors must be handled.
   *
   * @param reconnectStrategy how long to wait before the next attempt, in milliseconds, or false if there is none
   */
  async createClient({
    reconnectStrategy,
  }: {
    reconnectStrategy: false | ((retries: number) => number);
  }): Promise<RedisClientType> {
    // The library is loaded only where it is used.
    const { createClient } = await import('@redis/client');
    return createClient({
      url: this.config.redisUrl,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      socket: { connectTimeout: TIMEOUT, reconnectStrategy },
    });
  }

  /**
   * Adds an entry to a stream. The stream expires after `lifetime` milliseconds, unless another entry is added. Never rejects.
   *
   * @param trim the most entries that the stream keeps
   * @returns undefined if Redis is not configured, is away, or does not answer in time
   */
  append(
    key: string,
    fields: Record<string, string>,
    lifetime: number,
    trim?: { threshold: number; strategyModifier?: '~' },
  ): Promise<unknown> {
    const options = trim && { TRIM: { strategy: 'MAXLEN', ...trim } as const };
    // In one transaction, because a stream without an expiry would stay forever.
    return this.ask((client) => client.multi().xAdd(key, '*', fields, options).pExpire(key, lifetime).exec());
  }

  /** Never rejects. @returns undefined if Redis is not configured, is away, or does not answer in time */
  async ask<T>(command: (client: RedisClientType) => Promise<T>): Promise<T | undefined> {
    const { client } = this;
    if (!client?.isReady) return undefined;
    if (this.isAway) {
      if (this.isProbing || performance.now() < this.pausedUntil) return undefined;
      this.isProbing = true;
    }
    try {
      const answer = await within(TIMEOUT, command(client), timedOut);
      this.answered();
      return answer;
    } catch (error) {
      this.failed(error);
      return undefined;
    } finally {
      this.isProbing = false;
    }
  }

  private failed(error: unknown): void {
    this.pausedUntil = performance.now() + PAUSE;
    if (this.isAway || !this.client) return;
    this.isAway = true;
    this.logger.warn({ err: error }, 'Redis does not answer. The server goes on without it.');
  }

  private answered(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.logger.log('Redis answers again.');
  }
}

export function timedOut(): never {
  throw new Error(`No answer within ${TIMEOUT} ms.`);
}
