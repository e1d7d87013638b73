import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * The Prometheus metrics of the process, including those of Node.js. There is one registry for the whole process,
 * because prom-client's default metrics use one.
 *
 * No label has values that a client can choose: agents, providers and reasons are fixed, models come from the catalog,
 * and routes are templates. `deploy/grafana/switchboard.json` shows all of them.
 */
export const metricsRegistry = new Registry();

collectDefaultMetrics({ register: metricsRegistry });

const registers = [metricsRegistry];

export const httpDuration = new Histogram({
  name: 'switchboard_http_request_duration_seconds',
  help: 'Time from the request to the end of the response, by route template, including streamed answers.',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  registers,
});

const MODEL_LABELS = ['agent', 'provider', 'model'] as const;

export const modelCalls = new Counter({
  name: 'switchboard_model_calls_total',
  help: 'Finished model calls. Each attempt counts as a call.',
  labelNames: [...MODEL_LABELS, 'status'] as const,
  registers,
});

export const modelTokens = new Counter({
  name: 'switchboard_model_tokens_total',
  help: 'Tokens of finished calls. cached_input, cache_write and image_input are part of input, and reasoning is part of output.',
  labelNames: [...MODEL_LABELS, 'kind'] as const,
  registers,
});

export const modelCost = new Counter({
  name: 'switchboard_model_cost_usd_total',
  help: 'Cost of finished calls in USD. key says whose key was used: server or own (of a user).',
  labelNames: [...MODEL_LABELS, 'key'] as const,
  registers,
});

export const unpricedCalls = new Counter({
  name: 'switchboard_unpriced_calls_total',
  help: 'Finished calls that used tokens of a model without a price in model_catalog, so that their cost is unknown.',
  labelNames: ['provider'] as const,
  registers,
});

export const timeToFirstToken = new Histogram({
  name: 'switchboard_time_to_first_token_seconds',
  help: 'Time from a model call to its first content.',
  labelNames: MODEL_LABELS,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
  registers,
});

export const modelCallDuration = new Histogram({
  name: 'switchboard_model_call_duration_seconds',
  help: 'Time from a model call to its end.',
  labelNames: [...MODEL_LABELS, 'status'] as const,
  buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  registers,
});

export const modelFallbacks = new Counter({
  name: 'switchboard_model_fallbacks_total',
  help: 'Calls for which another model was asked, because this one failed before it answered or was cooling down.',
  labelNames: ['provider', 'model', 'reason'] as const,
  registers,
});

export const modelCoolDowns = new Counter({
  name: 'switchboard_model_cool_downs_total',
  help: "Cool-downs of models that failed and have fallback models, with the server's key or with a user's key.",
  labelNames: ['provider', 'model', 'key'] as const,
  registers,
});

export const modelsCoolingDown = new Gauge({
  name: 'switchboard_models_cooling_down',
  help: 'Models that failed lately and have not answered since, per key, in this process.',
  registers,
});

export const rateLimitRefusals = new Counter({
  name: 'switchboard_rate_limit_refusals_total',
  help: 'Turns, and later calls of turns, that were refused by the hourly or daily limit, or by the daily or monthly budget.',
  labelNames: ['agent', 'reason'] as const,
  registers,
});

export const activeStreams = new Gauge({
  name: 'switchboard_active_streams',
  help: 'Answers being generated now.',
  registers,
});

export const streamReaders = new Gauge({
  name: 'switchboard_stream_readers',
  help: 'Connections reading an answer now.',
  registers,
});

export const usageWritesWaiting = new Gauge({
  name: 'switchboard_usage_writes_waiting',
  help: 'Finished model calls that are not stored yet.',
  registers,
});

export const periodicRuns = new Histogram({
  name: 'switchboard_periodic_run_duration_seconds',
  help: 'Duration of one run of periodic work (checkpoints, recovery, rollups, cleanups), by task and outcome.',
  labelNames: ['task', 'outcome'] as const,
  buckets: [0.001, 0.01, 0.1, 1, 10, 60],
  registers,
});

export const usageRollupPending = new Gauge({
  name: 'switchboard_usage_rollup_pending',
  help: 'Usage changes that were waiting for the rollups at the last check; at most 100,000.',
  registers,
});
