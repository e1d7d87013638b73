import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import { UsageTally, withUsage } from '../usage/usage-context.js';
import { UsageService } from '../usage/usage.service.js';
import { withoutThinking } from '../models/provider-options.js';
import type { SelectedModel } from '../models/model-selector.js';
import { firstWords, titleIn } from './title-text.js';
import { TurnRepository } from './turn.repository.js';

/** The title of a chat that has none of its own yet. */
export const DEFAULT_TITLE = 'New chat';

const MAX_INPUT = 2_000;
const MAX_OUTPUT_TOKENS = 200;

const INSTRUCTIONS = `Write a short title for a chat that begins with the message you are given.
- at most 80 characters, in the language of the message
- it sums up what the message is about; it does not answer it
- no quotation marks, no colon, no full stop: the title and nothing else`;

/** Names chats with a cheap model call, beside the first answer. */
@Injectable()
export class TitleService {
  private readonly logger = new Logger(TitleService.name);

  constructor(
    private readonly repository: TurnRepository,
    private readonly usage: UsageService,
  ) {}

  /** Writes, stores and returns a title. Without the model it is the beginning of the message. Never rejects. */
  async write(
    chatId: string,
    question: UIMessage,
    model: SelectedModel,
    signal: AbortSignal,
  ): Promise<string> {
    const text = question.parts
      .map((part) => (part.type === 'text' ? part.text : ''))
      .join(' ')
      .slice(0, MAX_INPUT);
    const tally = new UsageTally((calls) => this.usage.finish(calls));
    const title = (await this.ask(chatId, text, model, signal, tally)) || firstWords(text) || DEFAULT_TITLE;
    await this.usage.finish(tally.take(), [this.repository.setTitle(chatId, DEFAULT_TITLE, title)]);
    return title;
  }

  private async ask(
    chatId: string,
    text: string,
    model: SelectedModel,
    signal: AbortSignal,
    tally: UsageTally,
  ): Promise<string> {
    const usage = {
      purpose: 'title',
      agentType: 'chat',
      chatId,
      messageId: undefined,
      tally,
    } as const;
    try {
      const { content, finishReason } = await withUsage({ ...usage, ownKey: model.ownKey }, () =>
        model.generate({
          prompt: [
            { role: 'system', content: INSTRUCTIONS },
            { role: 'user', content: [{ type: 'text', text }] },
          ],
          maxOutputTokens: MAX_OUTPUT_TOKENS,
          providerOptions: withoutThinking(model),
          abortSignal: signal,
        }),
      );
      // A refusal is not a title.
      if (finishReason.unified === 'content-filter') return '';
      return titleIn(content.map((part) => (part.type === 'text' ? part.text : '')).join(''));
    } catch (error) {
      this.logger.debug(
        { err: error, chatId },
        'The title of a chat could not be generated. The first words of the message are used instead.',
      );
      return '';
    }
  }
}
