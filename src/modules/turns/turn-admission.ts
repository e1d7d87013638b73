import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import type { AdmissionRequest } from '../rate-limit/admission.types.js';
import { expectedWithin, limitsOf } from '../rate-limit/agent-limits.js';
import { expectedCostOfWriting } from '../usage/expected-cost.js';
import { estimateTokensOfSize } from '../usage/token-estimate.js';
import { MAX_SHOWN } from '../agents/artifact.agent.js';
import { outputLimit } from '../models/call-settings.js';
import { estimateMessageTokens } from '../models/message-tokens.js';
import type { SelectedModel } from '../models/model-selector.js';
import { estimateFileTokens, estimateTextTokens, tokensPerEstimate } from '../models/prompt-tokens.js';
import { paidSearches } from '../models/provider-tools.js';
import type { Turn } from './turn.js';
import type { Candidates, ChosenAgent } from './turn-phases.js';
import { type PromptSize, TurnRepository } from './turn.repository.js';

/** Tokens of the description of a tool of the agent's own, on the whole. */
const OF_TOOL = 200;
/** Tools that a toolset of GitHub's server has, on the whole. */
const TOOLS_OF_SET = 12;
/** What a vendor says to the model about one of its own tools. */
const OF_VENDOR_TOOL = 400;

/** Tokens of what is said, for one of the agents that could answer. */
type Said = (chosen: Pick<ChosenAgent, 'agentType' | 'model'>) => Promise<number>;

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
    return requestOf(turn.userId, chosen, config, this.sizes(turn, identity, history));
  }

  /** The same for each agent that it could be, the likeliest first. */
  async preview(
    turn: Turn,
    identity: Identity,
    candidates: Candidates,
    config: RuntimeConfig,
  ): Promise<AdmissionRequest[]> {
    const said = this.sizes(turn, identity);
    return Promise.all(
      Array.from(candidates, ([agentType, model]) =>
        requestOf(turn.userId, { agentType, model }, config, said),
      ),
    );
  }

  /** Asks the database at most once, whichever agents are looked at. */
  private sizes(turn: Turn, identity: Identity, history?: UIMessage[]): Said {
    const { action, documentId } = turn.request;
    let stored: Promise<PromptSize> | undefined;
    const size = () =>
      (stored ??= this.repository.promptSize(identity, {
        chatId: history ? undefined : turn.chatId,
        documentId,
        shown: MAX_SHOWN,
      }));
    return async ({ agentType, model }) => {
      const showsDocument = agentType === 'artifact' && documentId !== undefined;
      const known = history ?? (action.type === 'submit' ? [action.message] : []);
      const said = estimateMessageTokens(known, model);
      if (history && !showsDocument) return said;
      const { characters, bytes, files, documentCharacters, documentBytes } = await size();
      const document = { characters: documentCharacters ?? 0, bytes: documentBytes ?? 0 };
      return (
        said +
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

/** @param said tokens of the conversation; only asked for where a budget makes it matter */
async function requestOf(
  userId: string,
  chosen: Pick<ChosenAgent, 'agentType' | 'model'>,
  config: RuntimeConfig,
  said: Said,
): Promise<AdmissionRequest> {
  const { agentType, model } = chosen;
  const { limits, budget } = limitsOf(agentType, model, config);
  if (!budget) return { userId, agentType, limits, expectedCost: 0 };

  const costs = expectedCostOfWriting(
    {
      promptTokens:
        estimateTextTokens(model.agentConfig.systemPrompt, model) + toolTokens(model) + (await said(chosen)),
      maxOutputTokens: outputLimit(model),
      webSearches: paidSearches(model),
    },
    model.catalog,
  );
  const expectedCost = expectedWithin(budget, Number(costs.expectedCost));
  const reservedCost = expectedWithin(budget, Number(costs.reservedCost));
  return { userId, agentType, limits, budget, expectedCost, reservedCost };
}

/** The model reads what its tools are with every call. */
function toolTokens({ agentConfig: { tools = [], mcp, capabilities = {} } }: SelectedModel): number {
  const { thinking: _thinking, fileInput: _fileInput, ...vendorTools } = capabilities;
  const mcpTools = mcp ? mcp.toolsets.length * TOOLS_OF_SET + (mcp.tools?.length ?? 0) : 0;
  return (
    (tools.length + mcpTools) * OF_TOOL +
    Object.values(vendorTools).filter((allowed) => allowed === true).length * OF_VENDOR_TOOL
  );
}
