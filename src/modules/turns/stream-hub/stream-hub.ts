import { Injectable } from '@nestjs/common';
import { activeStreams } from '../../../common/observability/metrics.js';
import type { Turn } from '../turn.js';

/**
 * The turns of this process, one for each user and chat. The owner of the chat is checked later. Until then, a turn of
 * another user must not take the owner's place.
 */
@Injectable()
export class StreamHub {
  private readonly turns = new Map<string, Turn>();

  get(userId: string, chatId: string): Turn | undefined {
    return this.turns.get(placeOf({ userId, chatId }));
  }

  /** Takes the user's only place in the chat. The caller has checked in the same tick that it is free. */
  add(turn: Turn): void {
    this.turns.set(placeOf(turn), turn);
    activeStreams.set(this.turns.size);
  }

  remove(turn: Turn): void {
    if (this.turns.get(placeOf(turn)) === turn) this.turns.delete(placeOf(turn));
    activeStreams.set(this.turns.size);
  }

  get size(): number {
    return this.turns.size;
  }

  countOf(userId: string): number {
    let count = 0;
    for (const turn of this.turns.values()) if (turn.userId === userId) count++;
    return count;
  }

  withStream(streamId: string): Turn | undefined {
    return this.all().find((turn) => turn.streamId === streamId);
  }

  all(): Turn[] {
    return [...this.turns.values()];
  }
}

function placeOf({ userId, chatId }: { userId: string; chatId: string }): string {
  return `${userId} ${chatId}`;
}
