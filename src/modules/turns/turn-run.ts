import type { AccountedRun } from '../accounting/accounted-run.js';
import { estimateMessageTokens } from '../models/message-tokens.js';
import type { SelectedModel } from '../models/model-selector.js';
import { estimateTextTokens } from '../models/prompt-tokens.js';
import { leastFigures } from '../models/token-usage.js';
import type { Turn } from './turn.js';
import type { ChosenAgent } from './turn-phases.js';

export function routingPart(run: AccountedRun) {
  return run.part({ agentType: 'routing', purpose: 'routing', messageId: undefined });
}

export function planAnswer(run: AccountedRun, { agentType, model }: ChosenAgent, turn: Turn): void {
  planCall(run, model, turn, run.part({ agentType }));
}

/** The call that is sent as soon as the turn is admitted; what it costs at least is known by its message so far. */
export function planCall(
  run: AccountedRun,
  model: SelectedModel,
  turn: Turn,
  part: ReturnType<typeof routingPart>,
): void {
  const { provider, modelId: id, ownKey, agentConfig, catalog } = model;
  const { action } = turn.request;
  const message = action.type === 'submit' ? estimateMessageTokens([action.message], model) : 0;
  const figures = leastFigures(
    estimateTextTokens(agentConfig.systemPrompt, model) + message,
    catalog?.pricing,
  );
  run.plan({ provider, id, ownKey }, figures, part);
}
