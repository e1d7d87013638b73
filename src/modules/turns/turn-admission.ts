import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { outputLimit } from '../models/call-settings.js';
import type { AdmissionRequest } from '../rate-limit/admission.types.js';
import { expectedWithin, limitsOf } from '../rate-limit/agent-limits.js';
import { expectedCostOfWriting } from '../usage/expected-cost.js';
import type { Turn } from './turn.js';
import type { Candidates, ChosenAgent } from './turn-phases.js';
import { TurnRepository } from './turn.repository.js';

type Asked = Pick<ChosenAgent, 'agentType' | 'model'>;

/** What a turn asks the limits and budgets for. */
@Injectable()
export class TurnAdmission {
  constructor(private readonly repository: TurnRepository) {}

  /** @param characters of the conversation that the model is sent; asked for where a budget makes them matter */
  async request(
    turn: Turn,
    identity: Identity,
    chosen: Asked,
    config: RuntimeConfig,
    characters?: number,
  ): Promise<AdmissionRequest> {
    return requestOf(turn.userId, chosen, config, async () =>
      characters === undefined ? this.conversationLength(turn, identity) : characters,
    );
  }

  /** The same for each agent that it could be, the likeliest first. */
  async preview(
    turn: Turn,
    identity: Identity,
    candidates: Candidates,
    config: RuntimeConfig,
  ): Promise<AdmissionRequest[]> {
    let length: Promise<number> | undefined;
    const conversationLength = () => (length ??= this.conversationLength(turn, identity));
    return Promise.all(
      Array.from(candidates, ([agentType, model]) =>
        requestOf(turn.userId, { agentType, model }, config, conversationLength),
      ),
    );
  }

  private async conversationLength(
    { chatId, request: { action } }: Turn,
    identity: Identity,
  ): Promise<number> {
    const message = action.type === 'submit' ? JSON.stringify(action.message.parts).length : 0;
    return message + (await this.repository.historySize(identity, chatId));
  }
}

/** @param conversationLength in characters; only asked for where a budget makes it matter */
async function requestOf(
  userId: string,
  { agentType, model }: Asked,
  config: RuntimeConfig,
  conversationLength: () => Promise<number>,
): Promise<AdmissionRequest> {
  const { limits, budget } = limitsOf(agentType, model, config);
  if (!budget) return { userId, agentType, limits, expectedCost: 0 };

  const costs = expectedCostOfWriting(
    {
      promptCharacters: model.agentConfig.systemPrompt.length + (await conversationLength()),
      maxOutputTokens: outputLimit(model),
    },
    model.catalog,
  );
  const expectedCost = expectedWithin(budget, Number(costs.expectedCost));
  const reservedCost = expectedWithin(budget, Number(costs.reservedCost));
  return { userId, agentType, limits, budget, expectedCost, reservedCost };
}
