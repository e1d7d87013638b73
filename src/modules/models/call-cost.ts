import {
  type ExpectedCost,
  expectedCostOfWriting,
  type ExpectedWriting,
  NO_COST,
  outputWithin,
} from '../usage/expected-cost.js';
import { callSettings, limitedTo } from './call-settings.js';
import type { SelectedModel } from './model-selector.js';
import { pricedUncached } from './prompt-caching.js';

/**
 * The cost in USD, for the server, of a call that is not a part of the conversation with an agent: the vendor is not asked
 * to cache its prompt.
 */
export function expectedCostOfCall(model: SelectedModel, writing: ExpectedWriting): ExpectedCost {
  return model.ownKey ? NO_COST : expectedCostOfWriting(writing, pricedUncached(model, false));
}

/**
 * The settings of such a call, which costs no more than `room`, in USD. Undefined if nothing limits it.
 *
 * @param promptTokens only called if `room` is defined
 */
export function settingsWithin(
  room: number | undefined,
  model: SelectedModel,
  promptTokens: () => number,
): ReturnType<typeof callSettings> {
  const settings = callSettings(model);
  const most = outputWithin(room, () => ({ promptTokens: promptTokens() }), pricedUncached(model, false));
  return { ...settings, ...limitedTo(most, model, settings) };
}
