import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ExpectedCost, expectedCostOfWriting } from '../../usage/expected-cost.js';
import { callSettings, outputLimit } from '../../models/call-settings.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { estimateTextTokens } from '../../models/prompt-tokens.js';
import type { Emit, Note } from '../agent.js';
import { DocumentDraft } from './document-draft.js';
import type { DocumentKind } from './document-prompts.js';

export interface WritingRequest {
  model: SelectedModel;
  instructions: string;
  prompt: string;
  /** The content of the document so far. */
  previous?: string;
}

export interface WritingTask<T> extends WritingRequest {
  kind: Exclude<DocumentKind, 'image'>;
  signal: AbortSignal;
  emit: Emit;
  note: Note;
  /** Makes a version of the content. */
  store: (content: string) => Promise<T>;
  /** Goes with a draft that was not finished, so that a reader finds it again after a reload. */
  heading: { id: string; title: string };
}

/** Lets a model write the content of a document, and the readers of the answer watch. */
@Injectable()
export class DocumentWriter {
  /** USD of what {@link write} would do. */
  expectedCost({ model, instructions, prompt, previous = '' }: WritingRequest): ExpectedCost {
    const writing = {
      promptTokens: estimateTextTokens(instructions, model) + estimateTextTokens(prompt, model),
      rewrittenTokens: estimateTextTokens(previous, model),
      maxOutputTokens: outputLimit(model),
    };
    return expectedCostOfWriting(writing, model.catalog);
  }

  /**
   * The draft is in the answer until it is stored as a version: a crash leaves it there, too.
   *
   * @returns what was stored
   * @throws what the provider or the storing failed with, or the reason of the abort; the draft stays in the answer then
   */
  async write<T>(task: WritingTask<T>): Promise<T> {
    const { model, kind, signal, emit, note } = task;
    const part = { type: 'data-draft', id: randomUUID() } as const;
    const dataOf = (content: string) => ({ ...task.heading, kind, content });
    const draft = new DocumentDraft(kind, emit, (content) => note({ ...part, data: dataOf(content) }));
    try {
      const stream = await model.stream({
        ...callSettings(model),
        prompt: [
          { role: 'system', content: task.instructions },
          { role: 'user', content: [{ type: 'text', text: task.prompt }] },
        ],
        abortSignal: signal,
      });
      try {
        for (;;) {
          const part = await stream.next();
          if (part === undefined) break;
          if (part.type === 'error') throw part.error;
          if (part.type === 'text-delta') draft.append(part.delta);
        }
      } catch (error) {
        stream.abandon(error);
        throw error;
      }
      draft.finish();
      const stored = await task.store(draft.content);
      note(part);
      return stored;
    } catch (error) {
      const { content } = draft;
      // Never stored as a version; kept in the message, where it was being read.
      if (content !== '') emit({ ...part, data: dataOf(content) });
      throw error;
    }
  }
}
