import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ExpectedCost } from '../../usage/expected-cost.js';
import { type Attempt, ONLY_ATTEMPT } from '../../models/fallback/attempt.js';
import { answerEnd, type FinishReason } from '../../models/ending.js';
import { expectedCostOfCall, settingsWithin } from '../../models/call-cost.js';
import { outputLimit } from '../../models/call-settings.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { estimateTextTokens } from '../../models/prompt-tokens.js';
import type { Emit, Note } from '../agent.js';
import { DocumentDraft } from './document-draft.js';
import type { DocumentKind } from './document-prompts.js';
import { failedWork, unfinishedWork } from './unfinished-work.js';

export interface WritingRequest {
  model: SelectedModel;
  instructions: string;
  prompt: string;
  /** The current content of the document. */
  previous?: string;
}

export interface WritingTask<T> extends WritingRequest {
  kind: Exclude<DocumentKind, 'image'>;
  signal: AbortSignal;
  emit: Emit;
  note: Note;
  /** Stores the content as a version. */
  store: (content: string) => Promise<T>;
  /** Accompanies an unfinished draft, so that a reader finds it after a reload. */
  heading: { id: string; title: string };
  attempt?: Attempt;
  /** What the call may cost in USD. Undefined if nothing limits it. */
  room?: number;
}

/** Lets a model write the content of a document while readers of the answer watch. */
@Injectable()
export class DocumentWriter {
  /** The cost of {@link write} in USD. */
  expectedCost(request: WritingRequest): ExpectedCost {
    const { model, previous = '' } = request;
    return expectedCostOfCall(model, {
      promptTokens: promptTokensOf(request),
      rewrittenTokens: estimateTextTokens(previous, model),
      maxOutputTokens: outputLimit(model),
    });
  }

  /**
   * The draft is in the answer until it is stored as a version: a crash leaves it there, too.
   *
   * Only finished content is stored. A fragment or a refusal never replaces the last version.
   *
   * @returns what was stored
   * @throws AppError if the model did not finish, the error of the provider or the database, or the reason of the abort. The
   *   draft then stays in the answer. The provider's own error, if another model may be asked
   */
  async write<T>(task: WritingTask<T>): Promise<T> {
    const { model, kind, signal, emit, note, attempt = ONLY_ATTEMPT, room } = task;
    const part = { type: 'data-draft', id: randomUUID() } as const;
    const dataOf = (content: string) => ({ ...task.heading, kind, content });
    const draft = new DocumentDraft(kind, emit, (content) => note({ ...part, data: dataOf(content) }));
    let finishReason: FinishReason | undefined;
    try {
      const stream = await model.stream({
        ...settingsWithin(room, model, () => promptTokensOf(task)),
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
          else if (part.type === 'finish') finishReason = answerEnd(part.finishReason).finishReason;
        }
      } catch (error) {
        stream.abandon(error);
        throw error;
      }
      draft.finish();
      const unfinished = unfinishedWork(finishReason, draft.content, remaining(task));
      if (unfinished) throw unfinished;
      const stored = await task.store(draft.content);
      note(part);
      return stored;
    } catch (error) {
      const { content } = draft;
      // Never stored as a version. It is kept in the message in which it was being read.
      if (content.trim() === '') note(part);
      else emit({ ...part, data: dataOf(content) });
      throw signal.aborted || attempt.isReplaceable ? error : failedWork(error, model, remaining(task));
    }
  }
}

function promptTokensOf({ model, instructions, prompt }: WritingRequest): number {
  return estimateTextTokens(instructions, model) + estimateTextTokens(prompt, model);
}

/** What a failure leaves unchanged. */
export function remaining({ previous }: Pick<WritingRequest, 'previous'>): string {
  return previous === undefined ? 'no document was created' : 'the document is unchanged';
}
