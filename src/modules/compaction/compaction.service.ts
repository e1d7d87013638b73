import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { within } from '../../common/periodic/within.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import { COMPACTION_THRESHOLD } from '../admin-config/context-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { ModelSelector, type SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import { fixedTokens, inputLimit } from './context-limit.js';
import { CompactionRepository } from './compaction.repository.js';
import { planCompaction } from './compaction-plan.js';
import { CompactionWriter, type Outcome } from './compaction-writer.js';

/** A conversation with more messages since its last summary is compacted, however short they are. */
const MOST_MESSAGES = 300;
/** The messages that a compaction looks at to find where its summary ends. */
const MEASURED_MESSAGES = 400;
/** How often a running compaction checks that its chat is still there and unchanged, in milliseconds. */
export const CLAIM_CHECK = { interval: 1_000 };
/** The time that canceled compactions have to be booked, in milliseconds. */
const STOP_TIMEOUT = 5_000;

/** A chat after one of its answers. */
export interface AnsweredChat {
  identity: Identity;
  keys: UserKeys;
  config: RuntimeConfig;
  chatId: string;
  /** The agent and the model that have answered. */
  agentType: AnsweringAgent;
  model: SelectedModel;
  /** The tokens of the last prompt and its answer. */
  tokens: number;
  /** The messages since the last summary. */
  messages: number;
  /** True if messages had to be left out of the prompt. */
  isShortened: boolean;
}

interface Running {
  userId: string;
  controller: AbortController;
  done: Promise<void>;
}

/** Summarizes the older part of long chats, in the background after an answer. */
@Injectable()
export class CompactionService implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(CompactionService.name);
  private readonly running = new Map<string, Running>();
  private stopping = false;

  constructor(
    private readonly repository: CompactionRepository,
    private readonly models: ModelSelector,
    private readonly writer: CompactionWriter,
  ) {}

  /**
   * Starts a compaction if the chat has become long. It must be called in the context of the request, because its calls
   * are accounted to that user. Returns at once, and never throws.
   */
  begin(chat: AnsweredChat): void {
    const { chatId, identity } = chat;
    if (this.stopping || this.running.has(chatId) || !isDue(chat)) return;
    const controller = new AbortController();
    const done = this.compact(chat, controller)
      .catch((error: unknown) => {
        this.logger.warn({ err: error, chatId }, 'A chat could not be compacted.');
      })
      .finally(() => this.running.delete(chatId));
    this.running.set(chatId, { userId: identity.id, controller, done });
  }

  /**
   * Ends the compaction of a chat that is about to be deleted, and waits until its call is booked. Another instance
   * notices the deletion soon.
   */
  async cancel(userId: string, chatId: string): Promise<void> {
    const running = this.running.get(chatId);
    if (running?.userId === userId) await ended([running]);
  }

  /** The same for all chats of a user. */
  async cancelAll(userId: string): Promise<void> {
    await ended([...this.running.values()].filter((running) => running.userId === userId));
  }

  isRunning(userId: string): boolean {
    return [...this.running.values()].some((running) => running.userId === userId);
  }

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** Canceled calls are booked. The compaction happens after a later answer. */
  async beforeApplicationShutdown(): Promise<void> {
    await ended([...this.running.values()]);
  }

  private async compact(chat: AnsweredChat, controller: AbortController): Promise<void> {
    const { identity, keys, config, chatId, agentType, model } = chat;
    const summarizing = this.models.selectForCompaction(model, keys, config);
    if (!summarizing) return;
    const messages = await this.repository.measure(identity, chatId, MEASURED_MESSAGES);
    const limit = inputLimit(model);
    const plan = planCompaction(messages, model, { limit, threshold: thresholdOf(config) });
    if (!plan || controller.signal.aborted) return;
    const claim = { chatId, token: randomUUID(), through: plan.through };
    if (!(await this.repository.claim(identity.id, claim))) return;

    const check = setInterval(() => {
      void this.repository.isClaimed(claim).then(
        (isClaimed) => {
          if (!isClaimed) controller.abort();
        },
        () => undefined,
      );
    }, CLAIM_CHECK.interval).unref();
    let outcome: Outcome;
    try {
      outcome = await this.writer.write({
        identity,
        config,
        agentType,
        claim,
        model: summarizing,
        limit,
        contextTokens: fixedTokens(model) + plan.keptTokens,
        reader: model,
        signal: controller.signal,
      });
    } catch (error) {
      outcome = controller.signal.aborted ? 'canceled' : 'failed';
      if (outcome === 'failed') await this.noteFailure(chat, claim, error);
    } finally {
      clearInterval(check);
    }
    if (outcome === 'stored') await this.repository.release(claim);
    if (outcome === 'canceled') await this.repository.abandon(claim);
  }

  private async noteFailure(
    { chatId }: AnsweredChat,
    claim: Parameters<CompactionRepository['fail']>[0],
    error: unknown,
  ): Promise<void> {
    const failures = await this.repository.fail(claim);
    this.logger.warn(
      { err: error, chatId, failures },
      'A chat could not be summarized. Later answers try again, each time after a longer wait.',
    );
  }
}

/** Cancels compactions, and waits a while for their end. */
async function ended(running: Running[]): Promise<void> {
  if (running.length === 0) return;
  for (const { controller } of running) controller.abort();
  const all = Promise.all(running.map(({ done }) => done));
  await within(STOP_TIMEOUT, all, () => undefined);
}

/** Whether the conversation fills so much of its limit that its older part should be summarized. */
function isDue({ config, model, tokens, messages, isShortened }: AnsweredChat): boolean {
  if (config.settings.compaction?.enabled === false) return false;
  return isShortened || messages >= MOST_MESSAGES || tokens >= inputLimit(model) * thresholdOf(config);
}

function thresholdOf({ settings }: RuntimeConfig): number {
  return settings.compaction?.threshold ?? COMPACTION_THRESHOLD;
}
