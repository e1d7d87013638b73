import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InstanceMessages } from '../../../common/redis/instance-messages.js';
import { Redis } from '../../../common/redis/redis.js';
import type { Tail } from './live-stream.js';
import { FOLLOW_CHANNEL, type LogEntry, type LogRequest, toFields } from './redis-log.js';
import { StreamHub } from './stream-hub.js';

/** Chunks of this many milliseconds leave together. */
const JOIN = 8;
/** The most characters in one entry. */
const ENTRY_SIZE = 64 * 1024;
/** Older entries are removed. The reader has read them long ago, or begins again. */
const MAX_ENTRIES = 1_000;
/** A log in which nothing has happened for this long gets an empty entry. So its reader knows that it is complete. */
const PULSE = 400;

interface Log extends LogRequest {
  tail: Tail;
  /** False until the question is on the disk and there is something to read. Nothing leaves before that. */
  isReadable: boolean;
  sequence: number;
  isWriting: boolean;
  writtenAt: number;
}

/**
 * Writes answers of this instance to Redis Streams, for instances that asked for them. An answer that nobody follows
 * elsewhere costs nothing. A stream never waits for Redis: each log has a position in the replay log, and at most one
 * entry on the way. What is published meanwhile leaves together with the next one.
 */
@Injectable()
export class RedisLogWriter implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RedisLogWriter.name);
  private readonly logs = new Map<string, Log>();
  private readonly waiting = new Set<Log>();
  private joining?: NodeJS.Timeout;
  private pulse?: NodeJS.Timeout;

  constructor(
    private readonly redis: Redis,
    private readonly messages: InstanceMessages,
    private readonly hub: StreamHub,
  ) {}

  onModuleInit(): void {
    this.messages.on(FOLLOW_CHANNEL, (payload) => {
      // A request that is lost is made again.
      if (payload !== '') this.begin(JSON.parse(payload) as LogRequest);
    });
  }

  onApplicationShutdown(): void {
    clearInterval(this.pulse);
    clearTimeout(this.joining);
    for (const log of this.logs.values()) this.end(log);
  }

  private begin({ streamId, key }: LogRequest): void {
    const turn = this.hub.withStream(streamId);
    // It has just ended, so its end is stored.
    if (!turn || this.logs.has(key)) return;
    const log: Log = {
      streamId,
      key,
      tail: turn.stream.tail(() => this.plan(log)),
      isReadable: false,
      sequence: 0,
      isWriting: false,
      writtenAt: performance.now(),
    };
    this.logs.set(key, log);
    this.pulse ??= setInterval(() => this.keepAlive(), PULSE / 2).unref();
    const onReadable = () => {
      log.isReadable = true;
      void this.write(log);
    };
    turn.readable.then(onReadable, onReadable);
    void this.write(log);
  }

  private end({ key, tail }: Log): void {
    tail.close();
    this.logs.delete(key);
    if (this.logs.size > 0) return;
    clearInterval(this.pulse);
    this.pulse = undefined;
  }

  private plan(log: Log): void {
    if (log.isWriting || !log.isReadable) return;
    this.waiting.add(log);
    this.joining ??= setTimeout(() => this.writeWaiting(), JOIN);
  }

  private writeWaiting(): void {
    this.joining = undefined;
    const logs = [...this.waiting];
    this.waiting.clear();
    for (const log of logs) void this.write(log);
  }

  private keepAlive(): void {
    const now = performance.now();
    for (const log of this.logs.values()) if (now - log.writtenAt >= PULSE) void this.write(log);
  }

  /** Never rejects. */
  private async write(log: Log): Promise<void> {
    if (log.isWriting || !this.logs.has(log.key)) return;
    log.isWriting = true;
    log.writtenAt = performance.now();
    const isKept = await this.writeEntry(log).catch((error: unknown) => {
      this.logger.error({ err: error, streamId: log.streamId }, 'An answer cannot be written to Redis.');
      return false;
    });
    log.isWriting = false;
    if (!isKept) this.end(log);
    else if (stateOf(log.tail) !== 'live') this.plan(log);
  }

  /** @returns false if the log has ended, or its reader has left, or Redis is away */
  private async writeEntry(log: Log): Promise<boolean> {
    const { key, tail, isReadable, sequence } = log;
    const chunks = isReadable ? tail.take(ENTRY_SIZE) : [];
    const state = isReadable ? stateOf(tail) : 'more';
    const entry = { sequence, chunks, state };
    log.sequence++;
    const trim = { strategy: 'MAXLEN', strategyModifier: '~', threshold: MAX_ENTRIES } as const;
    const id = await this.redis.ask((client) =>
      client.xAddNoMkStream(key, '*', toFields(entry), { TRIM: trim }),
    );
    return typeof id === 'string' && state !== 'ended';
  }
}

function stateOf(tail: Tail): LogEntry['state'] {
  if (tail.isEnded()) return 'ended';
  return tail.isDrained() ? 'live' : 'more';
}
