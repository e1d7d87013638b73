import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Identity } from '../../../common/auth/identity.js';
import { invalidField, upstreamError } from '../../../common/errors/app-error.js';
import type { DocumentDto } from '../../documents/dto/document.dto.js';
import { DocumentsService } from '../../documents/documents.service.js';
import type { SuggestionDto } from '../../suggestions/dto/suggestion.dto.js';
import { inConventionOf } from '../../suggestions/canonical-text.js';
import { spelledAsIn } from '../../suggestions/replace-once.js';
import { SuggestionsService } from '../../suggestions/suggestions.service.js';
import type { ExpectedCost } from '../../usage/expected-cost.js';
import { forPurpose } from '../../accounting/run-context.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { answerEnd } from '../../models/ending.js';
import { expectedCostOfCall, settingsWithin } from '../../models/call-cost.js';
import { outputLimit } from '../../models/call-settings.js';
import { estimatePromptTokens } from '../../models/prompt-tokens.js';
import { toStorableText } from '../../../common/database/stored-json.js';
import { SUGGESTION_INSTRUCTIONS } from './document-prompts.js';
import { unfinishedWork } from './unfinished-work.js';

const MAX_SUGGESTIONS = 5;
const text = z.string().overwrite(toStorableText);

const suggestionSchema = z.object({
  originalText: text,
  suggestedText: text,
  description: text.nullish().catch(null),
});
type Suggestion = z.output<typeof suggestionSchema>;

const answerSchema = z.union([
  z.object({ suggestions: z.array(z.unknown()) }),
  // Some models send only the list.
  z.array(z.unknown()).transform((suggestions) => ({ suggestions })),
]);

export interface SuggestionTask {
  identity: Identity;
  model: SelectedModel;
  documentId: string;
  /** What the user wants from the suggestions, if anything. */
  instruction?: string;
  signal?: AbortSignal;
  /** What the call may cost in USD. Undefined if nothing limits it. */
  room?: number;
}

/** A document that was read, and what the model gets of it. */
export interface SuggestionWork extends SuggestionTask {
  document: DocumentDto;
  prompt: LanguageModelV4Prompt;
}

/** Proposes edits of a document and stores them with the version that they are for. */
@Injectable()
export class SuggestionWriter {
  constructor(
    private readonly documents: DocumentsService,
    private readonly suggestions: SuggestionsService,
  ) {}

  /** Reads the document. @throws AppError 404; 400 for kinds without sentences */
  async read(task: SuggestionTask): Promise<SuggestionWork> {
    const document = await this.documents.read(task.identity, task.documentId);
    if (document.kind === 'image' || document.kind === 'sheet') {
      throw invalidField('id', 'only documents of the kinds text and code can have suggestions');
    }
    const text = JSON.stringify({ instruction: task.instruction, text: document.content ?? '' });
    return {
      ...task,
      document,
      prompt: [
        { role: 'system', content: SUGGESTION_INSTRUCTIONS },
        { role: 'user', content: [{ type: 'text', text }] },
      ],
    };
  }

  /** The cost of {@link suggest} in USD. */
  expectedCost({ model, prompt }: SuggestionWork): ExpectedCost {
    const promptTokens = estimatePromptTokens({ prompt }, model);
    return expectedCostOfCall(model, { promptTokens, maxOutputTokens: outputLimit(model) });
  }

  /**
   * @returns the stored suggestions; the original text of each occurs exactly once in the document
   * @throws AppError 502 if the answer of the model is unusable; the error of the provider
   */
  async suggest({
    identity,
    model,
    documentId,
    document,
    prompt,
    signal,
    room,
  }: SuggestionWork): Promise<SuggestionDto[]> {
    const content = document.content ?? '';
    const result = await forPurpose('suggestions', () =>
      model.generate({
        ...settingsWithin(room, model, () => estimatePromptTokens({ prompt }, model)),
        prompt,
        responseFormat: { type: 'json' },
        abortSignal: signal,
      }),
    );
    const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    const { finishReason } = answerEnd(result.finishReason);
    const unfinished = unfinishedWork(finishReason, text, 'there are no new suggestions');
    if (unfinished) throw unfinished;
    const usable = parse(text)
      .flatMap((suggestion) => spelledFor(content, suggestion))
      .slice(0, MAX_SUGGESTIONS);
    return this.suggestions.createMany(identity, documentId, document.createdAt, usable);
  }
}

/** The suggestion in the spelling of the document. Empty if the text does not occur exactly once or does not change. */
function spelledFor(content: string, { originalText, suggestedText, description }: Suggestion): Suggestion[] {
  const original = spelledAsIn(content, originalText);
  const suggested = inConventionOf(content, suggestedText);
  if (original === undefined || original === suggested) return [];
  return [{ originalText: original, suggestedText: suggested, description }];
}

/** Leaves out suggestions that are invalid and keeps the others. */
function parse(text: string): Suggestion[] {
  try {
    const { suggestions } = answerSchema.parse(JSON.parse(jsonIn(text)));
    return suggestions.flatMap((suggestion) => suggestionSchema.safeParse(suggestion).data ?? []);
  } catch (error) {
    throw upstreamError('The model returned no usable suggestions. Try again.', error);
  }
}

/** The JSON in an answer, without the text around it. */
function jsonIn(text: string): string {
  const object = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  const [list] = /^[^{]*\[(?=\s*\{)/.exec(text) ?? [];
  return list === undefined ? object : text.slice(list.length - 1, text.lastIndexOf(']') + 1);
}
