import { Injectable } from '@nestjs/common';
import { activeStreams } from '../../../common/observability/metrics.js';
import type { Turn } from '../turn.js';

/**
 * The turns that this process is conducting, one for a user and a chat. Whether the chat is the user's own is found out later:
 * until then a stranger's turn must not stand in the place of the owner's.
 */
@Injectable()
export class StreamHub {
  private readonly turns = new Map<string, Turn>();

  get(userId: string, chatId: string): Turn | undefined {
    return this.turns.get(placeOf({ userId, chatId }));
  }

  /** Takes the user's only place in the chat; the caller has seen that it is free, in the same tick. */
  add(turn: Turn): void {
    this.turns.set(placeOf(turn), turn);
    activeStreams.set(this.turns.size);
  }

  remove(turn: Turn): void {
    if (this.turns.get(placeOf(turn)) === turn) this.turns.delete(placeOf(turn));
    activeStreams.set(this.turns.size);
  }

  all(): Turn[] {
    return [...this.turns.values()];
  }
}

function placeOf({ userId, chatId }: { userId: string; chatId: string }): string {
  return `${userId} ${chatId}`;
}
