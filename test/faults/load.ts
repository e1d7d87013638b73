import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { Fault as ProviderFault, Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type AnswerReader, textOfChunks } from '../support/chat-app.js';
import { resume, send } from '../support/turns.js';
import type { Random } from '../support/usage-ledger.js';
import type { Stage } from './stage.js';

/** How long a client tries to get its answer. */
const PATIENCE = 75_000;
const PAUSE = 250;
const MARK = /@[0-9a-f-]{36}@/g;

/** One message and what its client was told. */
export interface Turn {
  user: TestUser;
  chatId: string;
  messageId: string;
  /** Begins the answer, so that it can be found. */
  mark: string;
  words: string[];
  /** The client has read a part of the answer. */
  isAcknowledged: boolean;
  /** What the client had read when it was told the end. */
  told?: { status: string; text: string };
  /** The provider has not answered as asked. */
  isSpoiled: boolean;
  /** The client itself has stopped, edited or deleted something, or has left. */
  isDisturbed: boolean;
}

/** Clients that send messages to all servers and read the answers, as well-behaved clients do. */
export class Load {
  readonly turns: Turn[] = [];
  /** What no client should see. */
  readonly complaints: string[] = [];
  /** Calls that providers refuse count for no limit. */
  hasRefusedCalls = false;
  private faultsOfProvider: ProviderFault[] = [];
  private readonly stage: Stage;
  private readonly random: Random;
  private readonly longest: number;
  private readonly byMark = new Map<string, Turn>();
  private clients: Array<Promise<void>> = [];
  private isEnding = false;

  constructor(stage: Stage, random: Random, longest: number) {
    this.longest = longest;
    this.stage = stage;
    this.random = random;
    stage.double.enqueue((request) => this.scriptFor(request), {
      when: ({ userText }) => userText.includes('@'),
      times: Infinity,
    });
  }

  /** What the provider does to the answers that begin now. */
  set providerFaults(faults: ProviderFault[]) {
    this.faultsOfProvider = faults;
    if (faults.length > 0) this.hasRefusedCalls = true;
  }

  start(users: readonly TestUser[], clients: number): void {
    this.isEnding = false;
    this.clients = Array.from({ length: clients }, (_, index) => this.converse(users[index % users.length]!));
  }

  /** Lets the running answers end. */
  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.all(this.clients);
    this.stage.double.requests.length = 0;
  }

  /** Forgets the turns so far. */
  clear(): void {
    this.turns.length = this.complaints.length = 0;
    this.byMark.clear();
    this.providerFaults = [];
  }

  newTurn(user: TestUser, chatId: string = randomUUID(), words = 15 + this.random.int(this.longest)): Turn {
    const mark = `@${randomUUID()}@`;
    const turn: Turn = {
      user,
      chatId,
      messageId: randomUUID(),
      mark,
      words: [`${mark} `, ...Array.from({ length: words }, (_, index) => `word${index} `)],
      isAcknowledged: false,
      isSpoiled: false,
      isDisturbed: false,
    };
    this.turns.push(turn);
    this.byMark.set(mark, turn);
    return turn;
  }

  /** The body of `POST /api/chat`. */
  bodyOf({ chatId, messageId, mark }: Turn): object {
    return {
      id: chatId,
      agent: 'chat',
      message: { id: messageId, role: 'user', parts: [{ type: 'text', text: `Tell me about ${mark}` }] },
    };
  }

  /** Sends a message until a server takes it, and reads its answer to the end, from another server if it must. */
  async say(turn: Turn): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    let hasResponse = false;
    while (Date.now() < deadline) {
      const server = this.random.pick(this.stage.servers);
      try {
        const reader = hasResponse
          ? await resume(server, turn.user, turn.chatId)
          : await send(server, turn.user, this.bodyOf(turn));
        const { status } = reader.response;
        if (status === 200) {
          hasResponse = true;
          if (await this.read(turn, reader)) return;
        } else {
          const problem = await reader.rest().then(({ problem }) => problem?.code as unknown);
          // The answer has ended. Its client would load it now.
          if (status === 204) return;
          if (![409, 503].includes(status) && !turn.isSpoiled && !turn.isDisturbed)
            this.complaints.push(`a client got ${status} ${String(problem)}`);
        }
      } catch {
        // The server ended, or does not listen.
      }
      await sleep(PAUSE);
    }
    if (!turn.isDisturbed) this.complaints.push(`a client waited for ${PATIENCE / 1000} s`);
  }

  /** @returns whether the stream was complete */
  private async read(turn: Turn, reader: AnswerReader): Promise<boolean> {
    const chunks = reader.chunks;
    try {
      await reader.until(() => chunks.some(({ type }) => type === 'text-delta'));
      turn.isAcknowledged = true;
    } catch {
      // It ends without text, or is cut.
    }
    const { done } = await reader.rest();
    const last = chunks.at(-1);
    if (done && last?.type === 'finish') {
      const { status } = (last.messageMetadata ?? {}) as { status?: string };
      turn.told = { status: status ?? 'unknown', text: textOfChunks(chunks) };
    }
    return done;
  }

  private async converse(user: TestUser): Promise<void> {
    let chatId: string = randomUUID();
    await sleep(this.random.int(800));
    while (!this.isEnding) {
      if (this.random.int(3) === 0) chatId = randomUUID();
      await this.say(this.newTurn(user, chatId));
      await sleep(this.random.int(300));
    }
  }

  private scriptFor(request: RecordedRequest): Script {
    // A question without an answer is sent together with the next one.
    const turn = this.byMark.get(request.userText.match(MARK)?.at(-1) ?? '');
    const usage = { input: 1_000 + this.random.int(1_000), output: 40 + this.random.int(100) };
    if (!turn || !request.stream) return { text: ['A title'], usage };
    turn.isSpoiled = this.faultsOfProvider.length > 0;
    const fault = this.faultsOfProvider.length > 0 ? this.random.pick(this.faultsOfProvider) : undefined;
    return { text: turn.words, usage, chunkDelayMs: 20 + this.random.int(40), ...(fault ? { fault } : {}) };
  }
}
