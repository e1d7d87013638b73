import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { InstanceMessages } from '../../../common/redis/instance-messages.js';
import { STOP_CHANNEL } from './instance.repository.js';
import { RemoteTurnsRepository, type StopScope } from './remote-turns.repository.js';

/** In milliseconds. */
const CHECK_INTERVAL = 100;

/** The answers that other instances are writing, as far as a user of this instance may end them. */
@Injectable()
export class RemoteTurns {
  constructor(
    private readonly repository: RemoteTurnsRepository,
    private readonly messages: InstanceMessages,
  ) {}

  /**
   * Asks the other instances to stop answers, and waits until they have stored what they have so far.
   *
   * @param patience how long to wait at most, in milliseconds
   * @returns whether there was such an answer
   */
  async stop(scope: StopScope, patience: number): Promise<boolean> {
    const deadline = performance.now() + patience;
    const asked = await this.repository.askToStop(scope);
    // Behind a pooler, no notification arrives.
    for (const instance of new Set(asked.map((stream) => stream.instance)))
      void this.messages.send(instance, STOP_CHANNEL, String(instance));
    for (let marked = asked.map(({ id }) => id); marked.length > 0 && performance.now() < deadline;) {
      await sleep(CHECK_INTERVAL);
      marked = await this.repository.findMarked(marked);
    }
    return asked.length > 0;
  }

  /** Whether an answer is being written in a chat of this user, on any instance. */
  isAnswering(userId: string, chatId: string): Promise<boolean> {
    return this.repository.isAnswering(userId, chatId);
  }
}
