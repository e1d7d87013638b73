import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import type { AdmissionRequest } from '../rate-limit/admission.types.js';
import { expectedWithin, limitingConfig } from '../rate-limit/agent-limits.js';
import { expectedCostOfWriting } from '../usage/expected-cost.js';
import { outputLimit } from '../models/call-settings.js';
import type { Candidates, ChosenAgent } from './agent-chooser.js';
import type { Turn } from './turn.js';
import { TurnRepository } from './turn.repository.js';

/** What a turn asks the limits and budgets for. */
@Injectable()
export class TurnAdmission {
  constructor(private readonly repository: TurnRepository) {}

  /** @param history what the model is sent; without it, its size is asked for where a budget makes it matter */
  async request(
    turn: Turn,
    identity: Identity,
    chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
    config: RuntimeConfig,
    history?: UIMessage[],
  ): Promise<AdmissionRequest> {
    const said = () =>
      history ? Promise.resolve(JSON.stringify(history).length) : this.charactersOf(turn, identity);
    return requestOf(turn.userId, chosen, config, said);
  }

  /** The same for each agent that it could be, the likeliest first. */
  async outlook(
    turn: Turn,
    identity: Identity,
    candidates: Candidates,
    config: RuntimeConfig,
  ): Promise<AdmissionRequest[]> {
    let characters: Promise<number> | undefined;
    const said = () => (characters ??= this.charactersOf(turn, identity));
    return Promise.all(
      Array.from(candidates, ([agentType, model]) =>
        requestOf(turn.userId, { agentType, model }, config, said),
      ),
    );
  }

  private async charactersOf({ chatId, request: { action } }: Turn, identity: Identity): Promise<number> {
    const message = action.type === 'submit' ? JSON.stringify(action.message.parts).length : 0;
    return message + (await this.repository.historySize(identity, chatId));
  }
}

/** @param said characters of the conversation; only asked for where a budget makes it matter */
async function requestOf(
  userId: string,
  { agentType, model }: Pick<ChosenAgent, 'agentType' | 'model'>,
  config: RuntimeConfig,
  said: () => Promise<number>,
): Promise<AdmissionRequest> {
  const { rateLimit: limits, budget } = limitingConfig(agentType, config) ?? model.agentConfig;
  if (!budget) return { userId, agentType, limits, expectedCost: 0 };

  const costs = expectedCostOfWriting(
    {
      promptCharacters: model.agentConfig.systemPrompt.length + (await said()),
      maxOutputTokens: outputLimit(model),
    },
    model.catalog,
  );
  const expectedCost = expectedWithin(budget, Number(costs.expectedCost));
  const reservedCost = expectedWithin(budget, Number(costs.reservedCost));
  return { userId, agentType, limits, budget, expectedCost, reservedCost };
}
