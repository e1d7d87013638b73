import {
  modelCallDuration,
  modelCalls,
  modelCost,
  modelTokens,
  timeToFirstToken,
  unpricedCalls,
} from '../../common/observability/metrics.js';
import type { FinishedCall } from '../usage/usage.types.js';
import { PROVIDERS } from './vendors/vendors.js';

/** The name in the metrics of models that are not in the catalog. Each name creates a set of series that never goes away. */
const OTHER = 'other';

/** Prometheus sees no increase in a counter whose first value is 1, so the counters start at 0. */
export function startCounters(): void {
  for (const provider of PROVIDERS) unpricedCalls.inc({ provider }, 0);
}

/**
 * Counts a call that has ended.
 *
 * @param isListed whether the model is in the catalog
 */
export function countCall(
  { agentType, provider, model, metadata, tokens, cost, durationMs }: FinishedCall,
  isListed: boolean,
): void {
  const labels = { agent: agentType, provider, model: isListed ? model : OTHER };
  const withStatus = { ...labels, status: metadata.status ?? 'success' };
  modelCalls.inc(withStatus);
  modelCallDuration.observe(withStatus, durationMs / 1000);
  if (metadata.timeToFirstTokenMs !== undefined)
    timeToFirstToken.observe(labels, metadata.timeToFirstTokenMs / 1000);
  modelTokens.inc({ ...labels, kind: 'input' }, tokens.inputTokens);
  modelTokens.inc({ ...labels, kind: 'cached_input' }, tokens.cachedInputTokens);
  modelTokens.inc({ ...labels, kind: 'cache_write' }, tokens.cacheWriteTokens);
  if (tokens.imageInputTokens !== undefined)
    modelTokens.inc({ ...labels, kind: 'image_input' }, tokens.imageInputTokens);
  modelTokens.inc({ ...labels, kind: 'output' }, tokens.outputTokens);
  modelTokens.inc({ ...labels, kind: 'reasoning' }, tokens.reasoningTokens);
  modelCost.inc({ ...labels, key: metadata.ownKey ? 'own' : 'server' }, Number(cost.totalCost));
  if (metadata.unpriced) unpricedCalls.inc({ provider });
}
