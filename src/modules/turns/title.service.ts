import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { AccountedRun } from '../accounting/accounted-run.js';
import { expectedCostOfCall } from '../models/call-cost.js';
import { answerOf } from '../models/fallback/fallback.js';
import type { SelectedModel } from '../models/model-selector.js';
import { withoutThinking } from '../models/provider-options.js';
import { estimateTextTokens } from '../models/prompt-tokens.js';
import { firstWords, titleIn } from './title-text.js';
import { TurnEndRepository } from './turn-end.repository.js';
import { DEFAULT_TITLE } from './turn.types.js';

const MAX_INPUT = 2_000;
const MAX_OUTPUT_TOKENS = 200;
/** A title is stored with the end of the answer, unless it takes longer than this. It is then stored by itself. In milliseconds. */
const STORE_AFTER = 1_000;

const INSTRUCTIONS = `Write a short title for a chat that begins with the message you are given.
- at most 80 characters, in the language of the message
- it sums up what the message is about; it does not answer it
- no quotation marks, no colon, no full stop: the title and nothing else`;

export interface TitleTask {
  chatId: string;
  question: UIMessage;
  /** Asked when the title is started. */
  model: () => SelectedModel;
  /** The run of the answer. The calls for the title belong to it. */
  run: AccountedRun;
  /** The title is started when this resolves, and not at all if it rejects. */
  after: Promise<void>;
  /** Sends the title to readers. */
  tell: (title: string) => void;
}

/** A title that is written while the answer is written. */
export interface PendingTitle {
  /** Resolves when the title is finished or has failed. */
  written: Promise<void>;
  /** The title, if it is written and not stored. The caller that takes it must store it. */
  take(): string | undefined;
  /** Called when the answer has ended and waits no longer. */
  abandon(): void;
}

/** The cost in USD of a title, for the server. */
export function expectedCostOfTitle(model: SelectedModel, question: string): number {
  const promptTokens = estimateTextTokens(INSTRUCTIONS + question.slice(0, MAX_INPUT), model);
  const { expectedCost } = expectedCostOfCall(model, { promptTokens, maxOutputTokens: MAX_OUTPUT_TOKENS });
  return Number(expectedCost);
}

/** The text of a message. */
export function textOf({ parts }: Pick<UIMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
}

/** Names chats with a cheap model call, in parallel with the first answer. */
@Injectable()
export class TitleService {
  private readonly logger = new Logger(TitleService.name);

  constructor(private readonly repository: TurnEndRepository) {}

  /** Without a model, the title is the beginning of the message. */
  begin(task: TitleTask): PendingTitle {
    const controller = new AbortController();
    let untaken: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const take = () => {
      clearTimeout(timer);
      const title = untaken;
      untaken = undefined;
      return title;
    };
    const store = async () => {
      const title = take();
      if (title === undefined) return;
      await task.run.store((booking) => this.repository.setTitle(task.chatId, title, booking));
    };
    const write = async () => {
      await task.after;
      // The first token is sent before any work on the title.
      await nextTurn();
      if (controller.signal.aborted) return;
      const title = await this.write(task, controller.signal);
      untaken = title;
      // After the end of the run, there is nothing to store the title with.
      if (task.run.isOver) await store();
      else timer = setTimeout(() => void store(), STORE_AFTER);
      task.tell(title);
    };
    // An answer that failed before its first token needs no title.
    return { written: write().catch(() => undefined), take, abandon: () => controller.abort() };
  }

  private async write(
    { chatId, question, model: modelOf, run }: TitleTask,
    signal: AbortSignal,
  ): Promise<string> {
    const text = textOf(question).slice(0, MAX_INPUT);
    // It counts against the budget of the agent that answers.
    const part = run.part({ purpose: 'title', agentType: run.agentType, messageId: undefined });
    try {
      const { content, finishReason } = await part.do(() =>
        answerOf(modelOf(), { signal }, (model) =>
          model.generate({
            prompt: [
              { role: 'system', content: INSTRUCTIONS },
              { role: 'user', content: [{ type: 'text', text }] },
            ],
            maxOutputTokens: MAX_OUTPUT_TOKENS,
            providerOptions: withoutThinking(model),
            abortSignal: signal,
          }),
        ),
      );
      // A refusal is not a title.
      const written =
        finishReason.unified === 'content-filter'
          ? ''
          : titleIn(content.map((piece) => (piece.type === 'text' ? piece.text : '')).join(''));
      return written || firstWords(text) || DEFAULT_TITLE;
    } catch (error) {
      this.logger.debug(
        { err: error, chatId },
        'The title of a chat could not be generated. The first words of the message are used instead.',
      );
      return firstWords(text) || DEFAULT_TITLE;
    }
  }
}
