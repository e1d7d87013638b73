import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchUser } from '../support/seed.js';
import { readToEnd, StampReader, stampedTokens } from './answer.js';
import { HttpClient, now } from './http-client.js';

/** The speed of every stream: 20 tokens per second. */
export const TOKEN_INTERVAL_MS = 50;

/** Reads many answers at once and measures how late their tokens arrive. */
export class LiveStreams {
  /** Milliseconds from when a token is written upstream until it is read here. */
  lags: number[] = [];
  completed = 0;
  readonly failures: string[] = [];
  private opened = 0;
  private closing = false;
  private readonly client: HttpClient;
  private readonly users: readonly BenchUser[];
  private readonly answers: Array<Promise<void>> = [];
  private readonly responses = new Set<IncomingMessage>();

  constructor(url: string, users: readonly BenchUser[]) {
    this.client = new HttpClient(url, Infinity);
    this.users = users;
  }

  /**
   * Opens streams one after the other, evenly over a time. `tokens` returns the length of the stream with this number.
   */
  async ramp(count: number, seconds: number, tokens: (index: number) => number): Promise<void> {
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) {
      const wait = startedAt + (index * seconds * 1000) / count - performance.now();
      if (wait > 0) await sleep(wait);
      this.open(tokens(index));
    }
  }

  /** Waits until all streams have ended, with or without an error. */
  async ended(): Promise<void> {
    await Promise.all(this.answers);
    this.client.close();
  }

  /** Disconnects before the end. */
  close(): void {
    this.closing = true;
    for (const response of this.responses) response.destroy();
    this.client.close();
  }

  private open(tokens: number): void {
    const user = this.users[this.opened++ % this.users.length]!;
    const answer = this.read(user, tokens).then(
      () => void this.completed++,
      (error: unknown) => void (this.closing || this.failures.push(String(error))),
    );
    this.answers.push(answer);
  }

  private async read(user: BenchUser, tokens: number): Promise<void> {
    const response = await this.client.send(user, stampedTokens(tokens, TOKEN_INTERVAL_MS));
    this.responses.add(response);
    const reader = new StampReader();
    let read = 0;
    await readToEnd(response, (piece) => {
      const stamps = reader.read(piece);
      if (stamps.length === 0) return;
      read += stamps.length;
      const readAt = now();
      for (const stamp of stamps) this.lags.push(readAt - stamp);
    }).finally(() => this.responses.delete(response));
    if (read !== tokens) throw new Error(`an answer had ${read} of ${tokens} tokens`);
  }
}
