import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { estimateTokens, promptCharacters } from './token-usage.js';

export const DEMO_MODEL_ID = 'demo';

/** Slow enough to be seen streaming, fast enough not to be waited for. */
const WORD_DELAY = 20;

const FINISH_REASON = { unified: 'stop', raw: 'stop' } as const;

/**
 * A built-in model for a machine without keys. It is deterministic, answers from the conversation, reports tokens like
 * any other, and says plainly that it is not a language model.
 */
export class DemoModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = 'demo';
  readonly modelId = DEMO_MODEL_ID;
  readonly supportedUrls = {};

  doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const text = answerTo(options.prompt);
    return Promise.resolve({
      content: [{ type: 'text', text }],
      finishReason: FINISH_REASON,
      usage: usageOf(options, text),
      warnings: [],
    });
  }

  doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const parts = streamParts(options);
    return Promise.resolve({
      stream: new ReadableStream<LanguageModelV4StreamPart>({
        pull: async (controller) => {
          const next = await parts.next();
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        },
      }),
    });
  }
}

async function* streamParts(options: LanguageModelV4CallOptions): AsyncGenerator<LanguageModelV4StreamPart> {
  const text = answerTo(options.prompt);
  yield { type: 'stream-start', warnings: [] };
  yield { type: 'text-start', id: 'text' };
  for (const word of text.match(/\S+\s*/g) ?? []) {
    await sleep(WORD_DELAY, undefined, { signal: options.abortSignal });
    yield { type: 'text-delta', id: 'text', delta: word };
  }
  yield { type: 'text-end', id: 'text' };
  yield { type: 'finish', finishReason: FINISH_REASON, usage: usageOf(options, text) };
}

function answerTo(prompt: LanguageModelV4CallOptions['prompt']): string {
  const system = prompt.find((message) => message.role === 'system')?.content ?? '';
  const questions = prompt.flatMap((message) => (message.role === 'user' ? [textOf(message.content)] : []));
  const question = questions.at(-1) ?? '';
  if (/\btitle\b/i.test(system) && questions.length === 1) return titleFor(question);
  const words = question.split(/\s+/).filter(Boolean).length;
  const earlier = questions.length - 1;
  return [
    'This is the demo model, not a language model: it can not think, it only shows that everything works.',
    `You wrote ${words} ${words === 1 ? 'word' : 'words'}: “${excerpt(question, 400)}”`,
    earlier > 0
      ? `Before that you had sent ${earlier} ${earlier === 1 ? 'message' : 'messages'}, the first: “${excerpt(questions[0] ?? '', 120)}”`
      : '',
    'Send a key of your own (for example in the header x-google-api-key) or set one on the server to talk to a real model.',
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function titleFor(question: string): string {
  return excerpt(question.replace(/\s+/g, ' ').trim(), 60) || 'New chat';
}

function textOf(content: ReadonlyArray<{ type: string; text?: string }>): string {
  return content.map((part) => (part.type === 'text' ? (part.text ?? '') : `[${part.type}]`)).join(' ');
}

function excerpt(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

function usageOf({ prompt }: LanguageModelV4CallOptions, answer: string): LanguageModelV4Usage {
  const input = estimateTokens(promptCharacters(prompt));
  const output = estimateTokens(answer.length);
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
}
