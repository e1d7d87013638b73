import { Injectable } from '@nestjs/common';
import { activeStreams } from '../../../common/observability/metrics.js';
import type { Turn } from '../turn/turn.js';

/** The turns that this process is conducting, one a chat. */
@Injectable()
export class StreamHub {
  private readonly turns = new Map<string, Turn>();

  get(chatId: string): Turn | undefined {
    return this.turns.get(chatId);
  }

  /** Takes the chat's only place; the caller has seen that it is free, in the same tick. */
  add(turn: Turn): void {
    this.turns.set(turn.chatId, turn);
    activeStreams.set(this.turns.size);
  }

  remove(turn: Turn): void {
    if (this.turns.get(turn.chatId) === turn) this.turns.delete(turn.chatId);
    activeStreams.set(this.turns.size);
  }

  all(): Turn[] {
    return [...this.turns.values()];
  }
}
