import { randomUUID } from 'node:crypto';
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';
import { dataOf, rewritingEvents, splitEvents } from './server-events.js';

/** Marks a text as reasoning on its way through the client. It is random, so no model can produce it. */
const MARK = `\u0000${randomUUID()}\u0000`;

interface Chunk {
  error?: unknown;
  choices?: Array<{ delta?: Record<string, unknown> | null }>;
  usage?: unknown;
}

/**
 * A `fetch` for chat completions of OpenAI-compatible servers. OpenAI's client ignores their reasoning (`reasoning_content`
 * or `reasoning`) and waits for the first word of the answer. Here, reasoning becomes marked text, which
 * {@link showingThoughts} turns into reasoning again. An error inside a chunk becomes an error that the client knows.
 */
export function readingCompatible(send: typeof fetch): typeof fetch {
  return rewritingEvents(send, () => (events) => {
    if (!events.includes('"reasoning') && !events.includes('"error"')) return { events };
    return { events: splitEvents(events).map(toKnown).join('') };
  });
}

function toKnown(event: string): string {
  const chunk = (dataOf(event) ?? {}) as Chunk;
  if (!Array.isArray(chunk.choices)) return event;
  if (typeof chunk.error === 'object' && chunk.error !== null) return eventOf({ error: chunk.error });
  const [choice] = chunk.choices;
  const thought = choice?.delta?.['reasoning_content'] ?? choice?.delta?.['reasoning'];
  if (typeof thought !== 'string' || thought === '') return event;
  const choices = [{ ...choice, delta: { content: MARK + thought }, finish_reason: null }];
  return eventOf({ ...chunk, choices, usage: null }) + event;
}

function eventOf(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** Wraps a model so that marked text becomes reasoning. */
export function showingThoughts(model: LanguageModelV4): LanguageModelV4 {
  return wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      wrapStream: async ({ doStream }) => {
        const result = await doStream();
        return { ...result, stream: result.stream.pipeThrough(thoughts()) };
      },
    },
  });
}

/** The client opens a single text part. Reasoning comes before it or between its deltas. */
function thoughts(): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
  let number = 0;
  let thinking: string | undefined;
  let held: LanguageModelV4StreamPart | undefined;
  return new TransformStream({
    transform(part, controller) {
      if (part.type === 'text-start') {
        held = part;
        return;
      }
      if (part.type === 'text-delta' && part.delta.startsWith(MARK)) {
        if (thinking === undefined) {
          thinking = `thought-${number++}`;
          controller.enqueue({ type: 'reasoning-start', id: thinking });
        }
        controller.enqueue({ type: 'reasoning-delta', id: thinking, delta: part.delta.slice(MARK.length) });
        return;
      }
      // Each reasoning chunk also has an empty text.
      if (part.type === 'text-delta' && part.delta === '' && (thinking !== undefined || held)) return;
      if (thinking !== undefined) controller.enqueue({ type: 'reasoning-end', id: thinking });
      thinking = undefined;
      if (part.type === 'text-delta' && held) {
        controller.enqueue(held);
        held = undefined;
      }
      // A text part that was opened for reasoning alone is left out.
      if (part.type === 'text-end' && held) held = undefined;
      else controller.enqueue(part);
    },
  });
}
