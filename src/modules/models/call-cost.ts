import {
  type ExpectedCost,
  expectedCostOfWriting,
  type ExpectedWriting,
  NO_COST,
} from '../usage/expected-cost.js';
import type { SelectedModel } from './model-selector.js';
import { pricedUncached } from './prompt-caching.js';

/**
 * The cost in USD, for the server, of a call that is not a part of the conversation with an agent: the vendor is not asked
 * to cache its prompt.
 */
export function expectedCostOfCall(model: SelectedModel, writing: ExpectedWriting): ExpectedCost {
  return model.ownKey ? NO_COST : expectedCostOfWriting(writing, pricedUncached(model, false));
}
