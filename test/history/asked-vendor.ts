import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { UIMessage } from 'ai';
import { ask, type Asking } from '../../src/modules/agents/prompt/ask.js';
import { toPrompt } from '../../src/modules/agents/history.js';
import type { CallStream } from '../../src/modules/models/call-stream.js';
import type { SelectedModel } from '../../src/modules/models/model-selector.js';
import { type Provider, VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { fromFirstQuestion, toUiMessage } from '../../src/modules/turns/turn-change.js';
import { anthropic } from '../doubles/wire/anthropic.js';
import type { Body, Dialect } from '../doubles/wire/dialect.js';
import { google } from '../doubles/wire/google.js';
import { openaiChat } from '../doubles/wire/openai-chat.js';
import { openaiResponses } from '../doubles/wire/openai-responses.js';
import { makeReply } from '../doubles/wire/reply.js';

/** A message as stored in its row. */
export interface StoredMessage {
  id: string;
  role: 'user' | 'assistant';
  parts: unknown;
}

export interface AskedModel {
  provider: Provider;
  modelId: string;
  api?: string;
  thinking?: boolean;
}

/** One model of each kind that has different rules. */
export const ASKED_MODELS: readonly AskedModel[] = [
  { provider: 'google', modelId: 'gemini-2.5-flash' },
  { provider: 'google', modelId: 'gemini-3-pro-preview', thinking: true },
  { provider: 'openai', modelId: 'gpt-4o-mini', api: 'responses' },
  { provider: 'openai', modelId: 'gpt-5-mini', api: 'responses', thinking: true },
  { provider: 'openai', modelId: 'gpt-4o-mini', api: 'chat' },
  { provider: 'anthropic', modelId: 'claude-sonnet-4-5', thinking: true },
  { provider: 'anthropic', modelId: 'claude-opus-4-6' },
];

export interface Exchange {
  body: Body;
  /** The vendor's error in place of an answer. */
  refusal?: string;
}

const DIALECTS: Array<[path: RegExp, dialect: Dialect]> = [
  [/:generateContent$/, google],
  [/\/responses$/, openaiResponses],
  [/\/chat\/completions$/, openaiChat],
  [/\/messages$/, anthropic],
];

/** Calls the double of a vendor with the vendor's real client, without a socket. */
export class AskedVendor {
  readonly exchanges: Exchange[] = [];
  readonly model: SelectedModel;
  readonly settings: Partial<LanguageModelV4CallOptions>;

  constructor({ provider, modelId, api, thinking }: AskedModel, agentConfig: object = {}, catalog?: object) {
    const client = VENDORS[provider].connect({
      apiKey: 'good-key',
      fetch: (url, init) => this.answer(url, init),
      api,
    });
    const language = client.language(modelId);
    const call = async (options: LanguageModelV4CallOptions) => language.doGenerate(options);
    this.model = {
      id: `${provider}/${modelId}`,
      provider,
      modelId,
      ownKey: false,
      catalog,
      agentConfig,
      generate: call,
      stream: async (options: LanguageModelV4CallOptions) => call(options) as unknown as Promise<CallStream>,
      imageModel: () => undefined,
    } as unknown as SelectedModel;
    this.settings = {
      providerOptions: VENDORS[provider].options({ modelId, thinking, allows: () => false }),
    };
  }

  /** The history as the product reads it from its rows. The question is last. */
  static historyOf(stored: readonly StoredMessage[], question: StoredMessage): UIMessage[] {
    const rows = stored.map((message) => ({ ...message, createdAt: new Date(0) }));
    const asked = { id: question.id, role: 'user', parts: question.parts as UIMessage['parts'] } as const;
    return [...fromFirstQuestion(rows).map(toUiMessage), asked];
  }

  /** @throws the product's error for a refusal */
  async ask(stored: readonly StoredMessage[], question: StoredMessage, asking: Asking = {}): Promise<void> {
    const history = AskedVendor.historyOf(stored, question);
    const prompt = await toPrompt(history, this.model, 'Be helpful.');
    const options = { ...this.settings, prompt };
    await ask(this.model, options, (prepared) => this.model.stream(prepared), {
      questionId: question.id,
      ...asking,
    });
  }

  /** The whole last request, as the vendor reads it. */
  get told(): string {
    return JSON.stringify(this.exchanges.at(-1)?.body);
  }

  private async answer(url: unknown, init?: RequestInit): Promise<Response> {
    const path = new URL(String(url)).pathname;
    const body = JSON.parse(init?.body as string) as Body;
    const dialect = DIALECTS.find(([pattern]) => pattern.test(path))?.[1];
    if (!dialect) throw new Error(`no double for ${path}`);
    const facts = dialect.facts(body, path);
    const headers = Object.fromEntries(new Headers(init?.headers));
    const refusal = dialect.refusal(headers, body, facts);
    const message = refusal && (refusal.body as { error: { message: string } }).error.message;
    this.exchanges.push({ body, refusal: message });
    const answer = refusal
      ? { status: refusal.status, body: refusal.body }
      : { status: 200, body: dialect.whole(makeReply({ text: ['Yes.'] }, facts, 100), body).body };
    return Promise.resolve(Response.json(answer.body, { status: answer.status }));
  }
}
