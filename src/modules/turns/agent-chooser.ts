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
import { objectionsTo, refuseFiles } from '../agents/file-input.js';
import { readyModel } from '../models/fallback/fallback.js';
import { type AgentChoice, RoutingAgent } from '../agents/routing.agent.js';
import { ModelSelector, type SelectedModel } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import type { Candidates, ChosenAgent } from './turn-phases.js';
import type { TurnRequest } from './turn.types.js';

/** Finds the agent for a message: the requested one, the only possible one, or the one that routing chooses. */
@Injectable()
export class AgentChooser {
  constructor(
    private readonly agents: Agents,
    private readonly models: ModelSelector,
    private readonly routing: RoutingAgent,
  ) {}

  /** @throws AppError if no agent can answer: it is disabled, its model is not allowed, or a key is missing */
  candidates(request: TurnRequest, keys: UserKeys, config: RuntimeConfig): Candidates {
    const objections = objectionsOf(request);
    if (request.agent !== 'auto') {
      if (!this.agents.has(request.agent)) throw agentDisabled(request.agent);
      if (request.agent === 'git_mcp' && keys.github === undefined) throw githubTokenMissing();
      const model = this.select(request.agent, request, keys, config);
      refuseUnable(model, request, objections);
      return new Map([[request.agent, readyFor(objections, model)]]);
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
    // Another agent must not answer just because its configuration allows the model.
    refuseUnable(likeliest, request, objections);
    for (const [agent, model] of candidates) candidates.set(agent, readyFor(objections, model));
    return candidates;
  }

  private select(
    agent: AnsweringAgent,
    { model, standsInFor, thinking }: TurnRequest,
    keys: UserKeys,
    config: RuntimeConfig,
  ): SelectedModel {
    return { ...this.models.select(agent, model, keys, config, standsInFor), thinking };
  }

  /** An answer that is continued keeps its agent. */
  same(
    agentType: AnsweringAgent,
    request: TurnRequest,
    candidates: Candidates,
    keys: UserKeys,
    config: RuntimeConfig,
  ): ChosenAgent {
    const model =
      candidates.get(agentType) ??
      readyFor(objectionsOf(request), this.select(agentType, request, keys, config));
    return { agentType, model, reason: 'It continues its answer.' };
  }

  /** The choice without a model, if there is only one possibility. Undefined if a model must choose. */
  obvious(request: TurnRequest, candidates: Candidates, config: RuntimeConfig): ChosenAgent | undefined {
    const [first] = candidates;
    if (!first) return undefined;
    const [agentType, model] = first;
    if (request.agent !== 'auto') return { agentType, model, reason: 'The client asked for it.' };
    if (candidates.size === 1) return { agentType, model, reason: 'It is the only agent that can answer.' };
    if (!config.routing.enabled) return { agentType, model, reason: 'Routing is disabled.' };
    return undefined;
  }

  /** Never fails if routing gives no answer: the chat agent then answers. */
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

/** What a model objects to in the files of the question. Asked for many models, it reads the files once. */
function objectionsOf({ action, fileSizes }: TurnRequest): ReturnType<typeof objectionsTo> {
  return action.type === 'submit' ? objectionsTo(action.message, fileSizes) : () => [];
}

/** The model, or while it cools down one that may answer in its place and that accepts the files of the question. */
function readyFor(objections: ReturnType<typeof objectionsTo>, model: SelectedModel): SelectedModel {
  return readyModel(model, (other) => objections(other).length === 0);
}

/** @throws AppError 400 if the model cannot do what was requested */
function refuseUnable(
  model: SelectedModel,
  { thinking }: TurnRequest,
  objections: ReturnType<typeof objectionsTo>,
): void {
  if (thinking === true && model.catalog?.capabilities['reasoning'] !== true) {
    throw invalidField('thinking', `the model ${model.id} cannot be asked to think`);
  }
  refuseFiles(objections(model));
}
