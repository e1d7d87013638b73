import { Injectable } from '@nestjs/common';
import { agentDisabled } from '../../common/errors/app-error.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import type { Agent } from './agent.js';
import { ArtifactAgent } from './artifact.agent.js';
import { ChatAgent } from './chat.agent.js';
import { GitMcpAgent } from './git-mcp.agent.js';

/** The agents by their type. */
@Injectable()
export class Agents {
  private readonly byType: Partial<Record<AnsweringAgent, Agent>>;

  constructor(chat: ChatAgent, artifact: ArtifactAgent, gitMcp: GitMcpAgent) {
    this.byType = { chat, artifact, git_mcp: gitMcp };
  }

  /** @throws AppError if this server does not have the agent */
  get(agentType: AnsweringAgent): Agent {
    const agent = this.byType[agentType];
    if (!agent) throw agentDisabled(agentType);
    return agent;
  }

  has(agentType: AnsweringAgent): boolean {
    return this.byType[agentType] !== undefined;
  }
}
