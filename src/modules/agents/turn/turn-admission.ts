import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../../common/auth/identity.js';
import type { RuntimeConfig } from '../../admin-config/runtime-config.js';
import { AdmissionService } from '../../rate-limit/admission.service.js';
import type { AdmissionRequest } from '../../rate-limit/admission.types.js';
import { limitingConfig } from '../../rate-limit/agent-limits.js';
import { costOf, NO_TOKENS } from '../../usage/pricing.js';
import type { ChosenAgent } from './agent-chooser.js';
import type { Turn } from './turn.js';
import { TurnRepository } from './turn.repository.js';

/** Fewer than words have: code, numbers and most other languages take more tokens than English. */
const CHARACTERS_A_TOKEN = 3;
/** Tokens of a long answer, for a model that is given no limit. */
const LONG_ANSWER = 2_000;

/** What a turn asks the limits and budgets for. */
@Injectable()
export class TurnAdmission {
  constructor(
    private readonly admissions: AdmissionService,
    private readonly repository: TurnRepository,
  ) {}

  /** @param history what the model is sent; without it, its size is asked for where a budget makes it matter */
  async request(
    { userId, chatId, request: { action } }: Turn,
    identity: Identity,
    { agentType, model }: ChosenAgent,
    config: RuntimeConfig,
    history?: UIMessage[],
  ): Promise<AdmissionRequest> {
    const { rateLimit: limits, budget } = limitingConfig(agentType, config) ?? model.agentConfig;
    if (!budget) return { userId, agentType, limits, expectedCost: 0 };

    const { systemPrompt, parameters } = model.agentConfig;
    const message = action.type === 'submit' && !history ? JSON.stringify(action.message.parts).length : 0;
    const said = history
      ? JSON.stringify(history).length
      : await this.repository.historySize(identity, chatId);
    const inputTokens = Math.ceil((systemPrompt.length + message + said) / CHARACTERS_A_TOKEN);
    const outputTokens = parameters?.maxOutputTokens ?? LONG_ANSWER;
    const expected = Number(
      costOf({ ...NO_TOKENS, inputTokens, outputTokens }, model.catalog?.pricing).totalCost,
    );
    // A budget smaller than one long answer still allows one, as long as nothing else is spent or under way.
    const expectedCost = Math.min(expected, budget.daily ?? Infinity, budget.monthly ?? Infinity);
    return { userId, agentType, limits, budget, expectedCost };
  }

  /** Lets a turn in whose question is stored already. @throws AppError 429 */
  async admit(
    turn: Turn,
    identity: Identity,
    chosen: ChosenAgent,
    config: RuntimeConfig,
    history: UIMessage[],
  ): Promise<void> {
    turn.admission = await this.admissions.admit(await this.request(turn, identity, chosen, config, history));
  }
}
