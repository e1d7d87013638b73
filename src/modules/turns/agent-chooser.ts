import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import {
  agentDisabled,
  type AppError,
  githubTokenMissing,
  invalidField,
} from '../../common/errors/app-error.js';
import { toAppError } from '../../common/errors/problem.js';
import { ANSWERING_AGENTS, type AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { Agents } from '../agents/agents.js';
import { refuseFiles } from '../agents/file-input.js';
import { type AgentChoice, RoutingAgent } from '../agents/routing.agent.js';
import { ModelSelector, type SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { Candidates, ChosenAgent } from './turn-phases.js';
import type { TurnRequest } from './turn.types.js';

/** Finds the agent for a message: the one asked for, the only one that can, or the one that routing chooses. */
@Injectable()
export class AgentChooser {
  constructor(
    private readonly agents: Agents,
    private readonly models: ModelSelector,
    private readonly routing: RoutingAgent,
  ) {}

  /** @throws AppError when no agent can answer this: disabled, a model that is not allowed, a key that is missing */
  candidates(request: TurnRequest, keys: UserKeys, config: RuntimeConfig): Candidates {
    if (request.agent !== 'auto') {
      if (!this.agents.has(request.agent)) throw agentDisabled(request.agent);
      if (request.agent === 'git_mcp' && keys.github === undefined) throw githubTokenMissing();
      const model = this.select(request.agent, request, keys, config);
      refuseUnable(model, request);
      return new Map([[request.agent, model]]);
    }
    const candidates = new Map<AnsweringAgent, SelectedModel>();
    let refusal: AppError | undefined;
    for (const agent of ANSWERING_AGENTS.filter((type) => this.agents.has(type))) {
      if (agent === 'git_mcp' && (keys.github === undefined || request.repositoryId === undefined)) continue;
      try {
        candidates.set(agent, this.select(agent, request, keys, config));
      } catch (error) {
        refusal ??= toAppError(error);
      }
    }
    const [likeliest] = candidates.values();
    if (!likeliest) throw refusal ?? agentDisabled('chat');
    // Not a reason to be answered by another agent, whose configuration happens to allow it.
    refuseUnable(likeliest, request);
    return candidates;
  }

  private select(
    agent: AnsweringAgent,
    { model, thinking }: TurnRequest,
    keys: UserKeys,
    config: RuntimeConfig,
  ): SelectedModel {
    return { ...this.models.select(agent, model, keys, config), thinking };
  }

  /** The agent that had begun an answer goes on with it. */
  same(
    agentType: AnsweringAgent,
    request: TurnRequest,
    candidates: Candidates,
    keys: UserKeys,
    config: RuntimeConfig,
  ): ChosenAgent {
    const model = candidates.get(agentType) ?? this.select(agentType, request, keys, config);
    return { agentType, model, reason: 'It continues its answer.' };
  }

  /** Without a model's help where there is nothing to choose; undefined when routing has to be asked. */
  obvious(request: TurnRequest, candidates: Candidates, config: RuntimeConfig): ChosenAgent | undefined {
    const [first] = candidates;
    if (!first) return undefined;
    const [agentType, model] = first;
    if (request.agent !== 'auto') return { agentType, model, reason: 'The client asked for it.' };
    if (candidates.size === 1) return { agentType, model, reason: 'It is the only agent that can answer.' };
    if (!config.routing.enabled) return { agentType, model, reason: 'Routing is disabled.' };
    return undefined;
  }

  /** Never fails for want of an answer: then it is the chat agent. */
  async route(
    request: TurnRequest,
    candidates: Candidates,
    {
      router,
      history,
      config,
      signal,
    }: {
      router?: SelectedModel;
      history: UIMessage[];
      config: RuntimeConfig;
      signal: AbortSignal;
    },
  ): Promise<ChosenAgent> {
    const choice: AgentChoice = router
      ? await this.routing.choose(
          {
            history,
            candidates: [...candidates.keys()],
            hasDocument: request.documentId !== undefined,
            hasRepository: request.repositoryId !== undefined,
            signal,
          },
          router,
          config.routing,
        )
      : { agentType: 'chat', reason: 'No routing model has a key.' };
    const model = candidates.get(choice.agentType);
    return model ? { ...choice, model } : { ...this.first(candidates), reason: choice.reason };
  }

  first(candidates: Candidates): ChosenAgent {
    const [first] = candidates;
    if (!first) throw new Error('There is no agent to choose from.');
    const [agentType, model] = first;
    return { agentType, model, reason: 'It is the first agent that can answer.' };
  }
}

/** @throws AppError 400 for what the model can't be asked for */
function refuseUnable(model: SelectedModel, { action, thinking, fileSizes }: TurnRequest): void {
  if (thinking === true && model.catalog?.capabilities['reasoning'] !== true) {
    throw invalidField('thinking', `the model ${model.id} cannot be asked to think`);
  }
  if (action.type === 'submit') refuseFiles(action.message, model, fileSizes);
}
