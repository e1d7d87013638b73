import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InstanceMessages } from '../../../common/redis/instance-messages.js';
import { RedisReader } from '../../../common/redis/redis-reader.js';
import { Redis } from '../../../common/redis/redis.js';
import {
  FOLLOW_CHANNEL,
  fromFields,
  type LogEntry,
  logKey,
  type LogRequest,
} from '../stream-hub/redis-log.js';

/** A log that its reader has left for this long is gone, also after a crash. In milliseconds. */
const LEASE = 5_000;
const RENEWAL = 1_500;
/** The time that the writer has for the first entry. Then its checkpoints are read. */
const FIRST_ENTRY = 300;
/** The writer writes something at least twice in this time. */
const SILENCE = 1_000;
const CHECK_INTERVAL = 100;

/** What reads a log. */
export interface LogReader {
  take(entry: LogEntry): void;
  /** The rest does not come from this log. */
  lost(): void;
}

interface OpenLog {
  key: string;
  reader: LogReader;
  sequence: number;
  lastId?: string;
  heardAt: number;
  renewedAt: number;
}

/** The logs of answers that other instances write for this one, in Redis. */
@Injectable()
export class RedisLogs implements OnApplicationShutdown {
  private readonly logs = new Map<string, OpenLog>();
  private checks?: NodeJS.Timeout;
  private checkedAt = 0;

  constructor(
    private readonly redis: Redis,
    private readonly entries: RedisReader,
    private readonly messages: InstanceMessages,
  ) {}

  /**
   * Asks the instance that writes an answer for its log, from the first chunk on.
   *
   * @returns the name of the log; undefined if Redis is not used or is away
   */
  open(streamId: string, instance: number, reader: LogReader): string | undefined {
    if (!this.redis.isUp) return undefined;
    const key = logKey(streamId, randomUUID());
    const now = performance.now();
    const log: OpenLog = { key, reader, sequence: 0, heardAt: now, renewedAt: now };
    this.logs.set(key, log);
    if (!this.checks) {
      this.checkedAt = now;
      this.checks = setInterval(() => this.check(), CHECK_INTERVAL).unref();
    }
    void this.begin(log, instance, { streamId, key });
    return key;
  }

  close(key: string): void {
    if (!this.logs.has(key)) return;
    this.remove(key);
    void this.redis.ask((client) => client.del(key));
  }

  onApplicationShutdown(): void {
    clearInterval(this.checks);
  }

  private async begin(log: OpenLog, instance: number, request: LogRequest): Promise<void> {
    const { key } = log;
    // All is sent at once, in this order: the writer only writes to a log that exists.
    const created = this.redis.append(key, { opened: '1' }, LEASE);
    const asked = this.messages.send(instance, FOLLOW_CHANNEL, JSON.stringify(request));
    this.entries.read(key, {
      take: (fields, id) => this.take(log, fields, id),
      lost: () => this.lose(log),
    });
    if (!(await created) || !(await asked)) this.lose(log);
  }

  private take(log: OpenLog, fields: Readonly<Record<string, string>>, id: string): void {
    const entry = fromFields(fields);
    if (!entry || !this.logs.has(log.key)) return;
    log.heardAt = performance.now();
    log.lastId = id;
    if (entry.sequence !== log.sequence) return this.lose(log);
    log.sequence++;
    if (entry.state === 'ended') this.close(log.key);
    log.reader.take(entry);
  }

  private lose(log: OpenLog): void {
    if (!this.logs.has(log.key)) return;
    this.close(log.key);
    log.reader.lost();
  }

  private remove(key: string): void {
    this.logs.delete(key);
    this.entries.forget(key);
    if (this.logs.size > 0) return;
    clearInterval(this.checks);
    this.checks = undefined;
  }

  private check(): void {
    const now = performance.now();
    // After a stall of this process, entries may be waiting that it has not read yet.
    const stall = now - this.checkedAt - CHECK_INTERVAL;
    this.checkedAt = now;
    for (const log of this.logs.values()) {
      if (stall > CHECK_INTERVAL) log.heardAt += stall;
      const patience = log.sequence === 0 ? FIRST_ENTRY : SILENCE;
      if (now - log.heardAt > patience) this.lose(log);
      else if (now - log.renewedAt > RENEWAL) void this.renew(log, now);
    }
  }

  /** Keeps the log, and removes what was read. */
  private async renew(log: OpenLog, now: number): Promise<void> {
    log.renewedAt = now;
    const { key, lastId } = log;
    const renewed = await this.redis.ask((client) =>
      Promise.all([client.pExpire(key, LEASE), lastId && client.xTrim(key, 'MINID', lastId)]),
    );
    if (!renewed?.[0]) this.lose(log);
  }
}
