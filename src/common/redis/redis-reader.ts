import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { RedisClientType } from '@redis/client';
import { randomUUID } from 'node:crypto';
import { within } from '../periodic/within.js';
import { Redis, TIMEOUT, timedOut } from './redis.js';

/** For how long Redis holds a read while there is nothing to read, in milliseconds. */
const BLOCK = 200;
/** After a stall of this process, an answer may be waiting in the socket. It gets this part of the time limit. */
const LAST_CHANCE = 50;
/** The most entries of one stream in one answer. */
const COUNT = 64;
const RETRY_DELAY = 1_000;
const WAKE_LIFETIME = 60_000;

/** Reads one Redis Stream. */
export interface EntryReader {
  take(entry: Readonly<Record<string, string>>, id: string): void;
  /** The connection was lost. Entries may be missing from now on. The reader is no longer called, unless it is permanent. */
  lost(): void;
}

type Answer = Array<{ name: string; messages: Array<{ id: string; message: Record<string, string> }> }>;

interface Reading {
  /** The last entry that was read. */
  id: string;
  reader: EntryReader;
  isPermanent: boolean;
}

/**
 * Reads any number of Redis Streams over one connection, with one blocking command at a time. An entry that arrives in
 * Redis is passed on at once.
 */
@Injectable()
export class RedisReader implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisReader.name);
  private readonly readings = new Map<string, Reading>();
  /** Reading another stream begins when the current command returns. An entry in this stream makes it return. */
  private readonly wakeKey = `switchboard:wake:${randomUUID()}`;
  private wakeId = '0-0';
  private client?: RedisClientType;
  private isRunning = false;
  private isClosed = false;

  constructor(private readonly redis: Redis) {}

  /**
   * Reads a stream from its first entry on.
   *
   * @param isPermanent true if it is read again after the connection was lost
   */
  read(key: string, reader: EntryReader, isPermanent = false): void {
    this.readings.set(key, { id: '0-0', reader, isPermanent });
    if (!this.isRunning) void this.run();
    else void this.redis.append(this.wakeKey, { w: '1' }, WAKE_LIFETIME, { threshold: 1 });
  }

  forget(key: string): void {
    this.readings.delete(key);
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    this.readings.clear();
    this.client?.destroy();
  }

  /** Never rejects. Runs while there is something to read. */
  private async run(): Promise<void> {
    this.isRunning = true;
    while (!this.isClosed && this.readings.size > 0) {
      try {
        this.client ??= await this.connect();
        await this.readOnce(this.client);
      } catch {
        this.disconnect();
        // This also finds out whether Redis is away, and says so once.
        await this.redis.ask((client) => client.ping());
        await sleep(RETRY_DELAY, undefined, { ref: false });
      }
    }
    this.isRunning = false;
  }

  private async connect(): Promise<RedisClientType> {
    const client = await this.redis.createClient({ reconnectStrategy: false });
    client.on('error', () => undefined);
    try {
      await within(TIMEOUT, client.connect(), timedOut);
      // The other connection may still be taken for lost.
      await this.redis.ask((other) => other.ping());
      return client;
    } catch (error) {
      if (client.isOpen) client.destroy();
      throw error;
    }
  }

  private disconnect(): void {
    const { client } = this;
    this.client = undefined;
    if (client?.isOpen) client.destroy();
    for (const [key, { reader, isPermanent }] of this.readings) {
      if (!isPermanent) this.readings.delete(key);
      reader.lost();
    }
  }

  /** An entry that a reader cannot use concerns no other one. */
  private pass(
    key: string,
    { reader, isPermanent }: Reading,
    entry: Answer[number]['messages'][number],
  ): void {
    try {
      reader.take(entry.message, entry.id);
    } catch (error) {
      this.logger.error({ err: error, key }, 'An entry in Redis could not be read.');
      if (isPermanent) return;
      this.readings.delete(key);
      reader.lost();
    }
  }

  private async readOnce(client: RedisClientType): Promise<void> {
    const streams = [...this.readings].map(([key, { id }]) => ({ key, id }));
    const reading = client.xRead([...streams, { key: this.wakeKey, id: this.wakeId }], { BLOCK, COUNT });
    const early = await within(TIMEOUT - LAST_CHANCE, reading, () => undefined);
    const answer = early === undefined ? await within(LAST_CHANCE, reading, timedOut) : early;
    for (const { name, messages } of (answer ?? []) as Answer) {
      if (name === this.wakeKey) this.wakeId = messages.at(-1)?.id ?? this.wakeId;
      const found = this.readings.get(name);
      for (const { id, message } of messages) {
        if (!found || this.readings.get(name) !== found) break;
        found.id = id;
        this.pass(name, found, { id, message });
      }
    }
  }
}
