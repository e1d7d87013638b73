import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { estimateTokens } from '../../usage/token-estimate.js';
import { estimatePromptTokens } from '../prompt-tokens.js';
import { type DemoReply, replyTo } from './demo-reply.js';

export const DEMO_MODEL_ID = 'demo';

/** Slow enough that streaming is visible, fast enough that nobody has to wait. */
const WORD_DELAY = 10;

/**
 * A built-in model for a machine without keys. It gives the same answer to the same prompt, answers from the
 * conversation, uses the tools that it gets, reports tokens like any other model, and says plainly that it is not a
 * language model.
 */
export class DemoModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = 'demo';
  readonly modelId = DEMO_MODEL_ID;
  readonly supportedUrls = {};

  doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const reply = replyTo(options);
    return Promise.resolve({ content: [contentOf(reply)], ...endOf(options, reply), warnings: [] });
  }

  doStream(options: LanguageModelV4CallOptions) {
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
  const reply = replyTo(options);
  const content = contentOf(reply);
  yield { type: 'stream-start', warnings: [] };
  if (content.type === 'tool-call') {
    const { toolCallId: id, toolName, input } = content;
    yield { type: 'tool-input-start', id, toolName };
    yield { type: 'tool-input-delta', id, delta: input };
    yield { type: 'tool-input-end', id };
    yield content;
  } else {
    yield { type: 'text-start', id: 'text' };
    for (const word of content.text.match(/\s*\S+\s*/g) ?? []) {
      await sleep(WORD_DELAY, undefined, { signal: options.abortSignal });
      yield { type: 'text-delta', id: 'text', delta: word };
    }
    yield { type: 'text-end', id: 'text' };
  }
  yield { type: 'finish', ...endOf(options, reply) };
}

function contentOf(reply: DemoReply): Extract<LanguageModelV4Content, { type: 'text' | 'tool-call' }> {
  if ('text' in reply) return { type: 'text', text: reply.text };
  const { toolName, input } = reply;
  return { type: 'tool-call', toolCallId: `demo-${randomUUID()}`, toolName, input: JSON.stringify(input) };
}

function endOf(
  { prompt }: LanguageModelV4CallOptions,
  reply: DemoReply,
): { finishReason: LanguageModelV4FinishReason; usage: LanguageModelV4Usage } {
  const input = estimatePromptTokens({ prompt }, { provider: 'demo', modelId: DEMO_MODEL_ID });
  const output = estimateTokens('text' in reply ? reply.text : JSON.stringify(reply));
  const reason = 'text' in reply ? 'stop' : 'tool-calls';
  return {
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: output, text: output, reasoning: 0 },
    },
  };
}
