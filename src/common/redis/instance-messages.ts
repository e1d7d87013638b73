import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { InstanceLock } from '../database/instance-lock.js';
import { Notifications } from '../database/notifications.js';
import { Redis } from './redis.js';
import { RedisReader } from './redis-reader.js';

/** The messages that wait for an instance. Older ones are of no use: all of them only say where to look. */
const MAX_MESSAGES = 1_000;
const LIFETIME = 30_000;
const ALL = 'switchboard:instances';

type Handler = (payload: string) => void;

/**
 * Short messages between instances through Redis. They only make instances look sooner: everything that they say is also in the
 * database.
 */
@Injectable()
export class InstanceMessages implements OnApplicationBootstrap {
  private readonly handlers = new Map<string, Handler>();

  constructor(
    private readonly redis: Redis,
    private readonly reader: RedisReader,
    private readonly instance: InstanceLock,
    private readonly notifications: Notifications,
  ) {}

  /** Calls `handler` with the payload of each message on `channel`, and with '' if some may have been missed. */
  on(channel: string, handler: Handler): void {
    this.handlers.set(channel, handler);
  }

  /** Sends a message to one instance. Never rejects. @returns false if it was not sent */
  send(instance: number, channel: string, payload: string): Promise<boolean> {
    return this.add(keyOf(instance), channel, payload);
  }

  /**
   * Tells all instances what a notification of the database tells those that can listen to it. Behind a pooler, none
   * can. Never rejects.
   */
  async announce(channel: string, payload: string): Promise<void> {
    if (this.notifications.isPolling) await this.add(ALL, channel, payload);
  }

  onApplicationBootstrap(): void {
    if (!this.redis.isConfigured) return;
    const reader = {
      take: ({ channel = '', payload = '' }: Readonly<Record<string, string>>) => {
        this.handlers.get(channel)?.(payload);
        this.notifications.receive(channel, payload);
      },
      lost: () => this.handlers.forEach((handler) => handler('')),
    };
    for (const key of [keyOf(this.instance.instanceId), ALL]) this.reader.read(key, reader, true);
  }

  private async add(key: string, channel: string, payload: string): Promise<boolean> {
    const trim = { strategyModifier: '~', threshold: MAX_MESSAGES } as const;
    const added = await this.redis.append(key, { channel, payload }, LIFETIME, trim);
    return added !== undefined;
  }
}

function keyOf(instance: number): string {
  return `switchboard:instance:${instance}`;
}
