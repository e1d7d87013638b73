import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import type { AdmissionRequest } from '../rate-limit/admission.types.js';
import { expectedWithin, limitsOf } from '../rate-limit/agent-limits.js';
import { expectedCostOfWriting } from '../usage/expected-cost.js';
import { estimateTokensOfSize } from '../usage/token-estimate.js';
import { MAX_SHOWN } from '../agents/artifact.agent.js';
import { inputLimit } from '../compaction/context-limit.js';
import { outputLimit } from '../models/call-settings.js';
import { estimateMessageTokens } from '../models/message-tokens.js';
import { estimateFileTokens, estimateTextTokens, tokensPerEstimate } from '../models/prompt-tokens.js';
import { paidSearches } from '../models/provider-tools.js';
import { pricedUncached } from '../models/prompt-caching.js';
import { toolTokens } from '../models/tool-tokens.js';
import type { Turn } from './turn.js';
import { rangeOf } from './turn-change.js';
import type { Candidates, ChosenAgent } from './turn-phases.js';
import { HistoryRepository, type PromptSize } from './history.repository.js';

/** The tokens of the conversation, for one of the agents that could answer. */
type ConversationLength = (chosen: Pick<ChosenAgent, 'agentType' | 'model'>) => Promise<number>;

/** What a turn requests from the limits and budgets. */
@Injectable()
export class TurnAdmission {
  constructor(private readonly histories: HistoryRepository) {}

  /** @param history what the model gets; without it, its size is requested only if a budget needs it */
  async request(
    turn: Turn,
    identity: Identity,
    chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
    config: RuntimeConfig,
    history?: UIMessage[],
  ): Promise<AdmissionRequest> {
    return requestOf(turn.userId, chosen, config, this.sizes(turn, identity, history));
  }

  /** The same for each possible agent, the most likely one first. */
  async preview(
    turn: Turn,
    identity: Identity,
    candidates: Candidates,
    config: RuntimeConfig,
  ): Promise<AdmissionRequest[]> {
    const conversationLength = this.sizes(turn, identity);
    return Promise.all(
      Array.from(candidates, ([agentType, model]) =>
        requestOf(turn.userId, { agentType, model }, config, conversationLength),
      ),
    );
  }

  /** Asks the database at most once, for any number of agents. */
  private sizes(turn: Turn, identity: Identity, history?: UIMessage[]): ConversationLength {
    const { action, documentId } = turn.request;
    let stored: Promise<PromptSize> | undefined;
    const size = () =>
      (stored ??= this.histories.promptSize(identity, {
        ...rangeOf(turn.request),
        chatId: history ? undefined : turn.chatId,
        documentId,
        shown: MAX_SHOWN,
      }));
    return async ({ agentType, model }) => {
      const showsDocument = agentType === 'artifact' && documentId !== undefined;
      const known = history ?? (action.type === 'submit' ? [action.message] : []);
      const messageTokens = estimateMessageTokens(known, model);
      if (history && !showsDocument) return messageTokens;
      const { characters, bytes, files, documentCharacters, documentBytes } = await size();
      const document = { characters: documentCharacters ?? 0, bytes: documentBytes ?? 0 };
      return (
        messageTokens +
        files * estimateFileTokens('image/*', { type: 'data', data: '' }, model) +
        Math.ceil(
          tokensPerEstimate(model) *
            (estimateTokensOfSize({ characters, bytes }) +
              (showsDocument ? estimateTokensOfSize(document) : 0)),
        )
      );
    };
  }
}

/** @param conversationLength tokens of the conversation; only requested if a budget needs it */
async function requestOf(
  userId: string,
  chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
  config: RuntimeConfig,
  conversationLength: ConversationLength,
): Promise<AdmissionRequest> {
  const { agentType, model } = chosen;
  const { limits, budget } = limitsOf(agentType, model, config);
  if (!budget) return { userId, agentType, limits, expectedCost: 0 };

  // Of a longer conversation, the oldest turns are left out.
  const promptTokens = Math.min(
    estimateTextTokens(model.agentConfig.systemPrompt, model) +
      toolTokens(model) +
      (await conversationLength(chosen)),
    inputLimit(model),
  );
  const costs = expectedCostOfWriting(
    {
      promptTokens,
      maxOutputTokens: outputLimit(model),
      webSearches: paidSearches(model),
    },
    pricedUncached(model),
  );
  const expectedCost = expectedWithin(budget, Number(costs.expectedCost));
  const reservedCost = expectedWithin(budget, Number(costs.reservedCost));
  return { userId, agentType, limits, budget, expectedCost, reservedCost };
}
