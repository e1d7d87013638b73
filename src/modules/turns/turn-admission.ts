import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { AdmissionRequest } from '../rate-limit/admission.types.js';
import { costsWithin, limitsOf } from '../rate-limit/agent-limits.js';
import { expectedCostOfWriting, NO_COST } from '../usage/expected-cost.js';
import { estimateTokensOfSize } from '../usage/token-estimate.js';
import { MAX_SHOWN } from '../agents/artifact.agent.js';
import { fixedTokens, inputLimit } from '../compaction/context-limit.js';
import { expectedCostOfChoice } from '../agents/routing.agent.js';
import { outputLimit } from '../models/call-settings.js';
import { estimateMessageTokens } from '../models/message-tokens.js';
import { ModelSelector, type SelectedModel } from '../models/model-selector.js';
import { estimateUnreadFileTokens, tokensPerEstimate } from '../models/prompt-tokens.js';
import { paidSearches } from '../models/provider-tools.js';
import { pricedUncached } from '../models/prompt-caching.js';
import { expectedCostOfTitle, textOf } from './title.service.js';
import type { Turn } from './turn.js';
import { rangeOf } from './turn-change.js';
import type { Admitting, Candidates, ChosenAgent } from './turn-phases.js';
import { type FileStart, HistoryRepository, type PromptSize } from './history.repository.js';
import { DEFAULT_TITLE } from './turn.types.js';

/** The conversation, for one of the agents that could answer. */
interface Conversation {
  tokens: number;
  /** Whether the chat has no title of its own. */
  needsTitle: boolean;
}

type Measure = (chosen: Pick<ChosenAgent, 'agentType' | 'model'>) => Promise<Conversation>;

/** What is known of a turn, apart from its request. */
export interface Known extends Pick<Admitting, 'identity' | 'keys' | 'config' | 'router'> {
  /** What the model gets. Without it, its size is requested, but only if a budget needs it. */
  history?: UIMessage[];
  needsTitle?: boolean;
}

/** What a turn requests from the limits and budgets. */
@Injectable()
export class TurnAdmission {
  constructor(
    private readonly histories: HistoryRepository,
    private readonly models: ModelSelector,
  ) {}

  async request(
    turn: Turn,
    chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
    known: Known,
  ): Promise<AdmissionRequest> {
    return this.requestOf(turn, chosen, known, this.measuring(turn, known));
  }

  /** The same for each possible agent, the most likely one first. */
  async preview(turn: Turn, candidates: Candidates, known: Known): Promise<AdmissionRequest[]> {
    const measure = this.measuring(turn, known);
    return Promise.all(
      Array.from(candidates, ([agentType, model]) =>
        this.requestOf(turn, { agentType, model }, known, measure),
      ),
    );
  }

  /** The USD to reserve for a model that chooses the agent. 0 if no candidate has a budget. */
  routingCost({ request }: Turn, candidates: Candidates, { router, config }: Known): number {
    const isBudgeted = Array.from(candidates).some(
      ([agentType, model]) => limitsOf(agentType, model, config).budget !== undefined,
    );
    if (!router || !isBudgeted) return 0;
    return expectedCostOfChoice(router, config.routing.systemPrompt, questionOf(request.action));
  }

  /** @param measure only called if a budget needs it */
  private async requestOf(
    { userId, request: { action } }: Turn,
    chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
    { keys, config, router }: Known,
    measure: Measure,
  ): Promise<AdmissionRequest> {
    const { agentType, model } = chosen;
    const { limits, budget } = limitsOf(agentType, model, config);
    if (!budget) return { userId, agentType, limits, expectedCost: 0 };
    const question = questionOf(action);
    const choice = router ? expectedCostOfChoice(router, config.routing.systemPrompt, question) : 0;
    if (model.ownKey) {
      const besideCost = choice;
      const costs = { besideCost, ...costsWithin(budget, NO_COST, besideCost) };
      return { userId, agentType, limits, budget, usesOwnKeys: besideCost === 0, ...costs };
    }
    const { tokens, needsTitle } = await measure(chosen);
    const title = needsTitle
      ? expectedCostOfTitle(this.models.selectForTitle(model, keys, config), question)
      : 0;
    const besideCost = choice + title;
    const firstCost = expectedCostOfWriting(
      {
        // Of a longer conversation, the oldest turns are left out.
        promptTokens: Math.min(fixedTokens(model) + tokens, inputLimit(model)),
        maxOutputTokens: outputLimit(model),
        webSearches: paidSearches(model),
      },
      pricedUncached(model),
    );
    const costs = costsWithin(budget, firstCost, besideCost);
    return { userId, agentType, limits, budget, besideCost, firstCost, ...costs };
  }

  /** Asks the database at most once, for any number of agents. */
  private measuring(
    { chatId, request }: Turn,
    { identity, history, needsTitle: isUntitled }: Known,
  ): Measure {
    const { action, documentId, fileSizes } = request;
    let stored: Promise<PromptSize> | undefined;
    const size = () =>
      (stored ??= this.histories.promptSize(identity, {
        ...rangeOf(request),
        chatId: history ? undefined : chatId,
        documentId,
        shown: MAX_SHOWN,
      }));
    return async ({ agentType, model }) => {
      const showsDocument = agentType === 'artifact' && documentId !== undefined;
      const known = history ?? (action.type === 'submit' ? [action.message] : []);
      const messageTokens = estimateMessageTokens(known, model, fileSizes);
      if (history && !showsDocument) return { tokens: messageTokens, needsTitle: isUntitled ?? false };
      const { characters, bytes, files, title, documentCharacters, documentBytes } = await size();
      const document = { characters: documentCharacters ?? 0, bytes: documentBytes ?? 0 };
      const texts =
        estimateTokensOfSize({ characters, bytes }) + (showsDocument ? estimateTokensOfSize(document) : 0);
      return {
        tokens:
          messageTokens +
          (files?.flat() ?? []).reduce((sum, file) => sum + tokensOfStored(file, model), 0) +
          Math.ceil(tokensPerEstimate(model) * texts),
        needsTitle: isUntitled ?? (action.type !== 'approve' && (title ?? DEFAULT_TITLE) === DEFAULT_TITLE),
      };
    };
  }
}

function questionOf(action: Turn['request']['action']): string {
  return action.type === 'submit' ? textOf(action.message) : '';
}

/** Of the content of a file, only its beginning was read. */
function tokensOfStored({ mediaType, url, length }: FileStart, model: SelectedModel): number {
  const start = url?.startsWith('data:') ? url.indexOf(',') + 1 : 0;
  const bytes = start > 0 ? (((length ?? 0) - start) * 3) / 4 : undefined;
  return estimateUnreadFileTokens(
    mediaType ?? '',
    { bytes, beginning: start > 0 ? url?.slice(start) : undefined },
    model,
  );
}
