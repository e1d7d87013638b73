import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { agentDisabled } from '../../common/errors/app-error.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { AgentInput, Emit } from '../turns/turn.types.js';
import { ArtifactAgent } from './artifact.agent.js';
import { ChatAgent } from './chat.agent.js';
import { GitMcpAgent } from './git-mcp.agent.js';

/** Answers a message. */
export interface Agent {
  /**
   * Emits the answer as chunks of the UI message stream, without `start` and `finish`.
   *
   * @returns why the model stopped
   * @throws what the provider failed with
   */
  answer(input: AgentInput, model: SelectedModel, emit: Emit): Promise<string | undefined>;

  /**
   * Refuses what it could not answer, before anything is stored.
   *
   * @throws AppError that says why
   */
  check?(identity: Identity, request: Pick<AgentInput, 'documentId' | 'repositoryId'>): Promise<void>;
}

/** The agents by their type. */
@Injectable()
export class Agents {
  private readonly byType: Partial<Record<AnsweringAgent, Agent>>;

  constructor(chat: ChatAgent, artifact: ArtifactAgent, gitMcp: GitMcpAgent) {
    this.byType = { chat, artifact, git_mcp: gitMcp };
  }

  /** @throws AppError for an agent that this server does not have */
  get(agentType: AnsweringAgent): Agent {
    const agent = this.byType[agentType];
    if (!agent) throw agentDisabled(agentType);
    return agent;
  }

  has(agentType: AnsweringAgent): boolean {
    return this.byType[agentType] !== undefined;
  }
}
