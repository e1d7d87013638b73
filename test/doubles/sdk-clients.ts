import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { ProviderDouble } from './provider-double.js';

/** The wire formats of the double, by the AI SDK's clients for them. */
export const FORMATS = ['google', 'openai-responses', 'openai-chat', 'anthropic'] as const;
export type Format = (typeof FORMATS)[number];

/** A model of the real client package that calls the double. */
export function clientModel(double: ProviderDouble, format: Format, apiKey = 'good-key'): LanguageModelV4 {
  switch (format) {
    case 'google':
      return createGoogleGenerativeAI({ apiKey, baseURL: double.googleUrl })('gemini-2.5-flash');
    case 'openai-responses':
      return createOpenAI({ apiKey, baseURL: double.openaiUrl }).responses('gpt-5-mini');
    case 'openai-chat':
      return createOpenAI({ apiKey, baseURL: double.openaiUrl }).chat('gpt-5-mini');
    case 'anthropic':
      return createAnthropic({ apiKey, baseURL: double.anthropicUrl })('claude-sonnet-4-5');
  }
}

/** A call with text that asks to see reasoning. */
export function call(
  text: string,
  more: Partial<LanguageModelV4CallOptions> = {},
): LanguageModelV4CallOptions {
  return {
    prompt: [{ role: 'user', content: [{ type: 'text', text }] }],
    providerOptions: {
      google: { thinkingConfig: { includeThoughts: true } },
      openai: { store: false, reasoningSummary: 'auto' },
      anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } },
    },
    ...more,
  };
}

/** How a client interprets an answer, streamed or not. */
export interface Heard {
  text: string;
  reasoning: string;
  toolCalls: Array<{ id: string; name: string; input: unknown }>;
  sources: Array<{ url: string; title: string | undefined }>;
  /** Error events in the stream. */
  errors: unknown[];
  /** The error that the stream itself failed with. */
  broken: unknown;
  finishReason: LanguageModelV4FinishReason['unified'] | undefined;
  usage: LanguageModelV4Usage | undefined;
  /** The number of pieces that the text arrived in. */
  pieces: number;
}

export async function hearStream(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
): Promise<Heard> {
  const heard = nothing();
  const { stream } = await model.doStream(options);
  try {
    for await (const part of stream) {
      if (part.type === 'text-delta') {
        heard.text += part.delta;
        heard.pieces++;
      } else if (part.type === 'reasoning-delta') heard.reasoning += part.delta;
      else if (part.type === 'error') heard.errors.push(part.error);
      else if (part.type === 'finish') {
        heard.finishReason = part.finishReason.unified;
        heard.usage = part.usage;
      } else hear(heard, part);
    }
  } catch (error) {
    heard.broken = error;
  }
  return heard;
}

export async function hearWhole(model: LanguageModelV4, options: LanguageModelV4CallOptions): Promise<Heard> {
  const heard = nothing();
  const { content, finishReason, usage } = await model.doGenerate(options);
  for (const part of content) {
    if (part.type === 'text') heard.text += part.text;
    else if (part.type === 'reasoning') heard.reasoning += part.text;
    else hear(heard, part);
  }
  return { ...heard, finishReason: finishReason.unified, usage };
}

function nothing(): Heard {
  return {
    text: '',
    reasoning: '',
    toolCalls: [],
    sources: [],
    errors: [],
    broken: undefined,
    finishReason: undefined,
    usage: undefined,
    pieces: 0,
  };
}

function hear(heard: Heard, part: LanguageModelV4StreamPart | LanguageModelV4Content): void {
  if (part.type === 'tool-call') {
    const { toolCallId: id, toolName: name, input } = part;
    heard.toolCalls.push({ id, name, input: JSON.parse(input) });
  } else if (part.type === 'source' && part.sourceType === 'url') {
    heard.sources.push({ url: part.url, title: part.title });
  }
}
