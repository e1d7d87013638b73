import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The process's Prometheus metrics. One registry for the whole process, as prom-client's own defaults have it. */
export const metricsRegistry = new Registry();

collectDefaultMetrics({ register: metricsRegistry });

export const httpDuration = new Histogram({
  name: 'switchboard_http_request_duration_seconds',
  help: 'Time from request to the end of the response, by route template.',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
  registers: [metricsRegistry],
});

export const modelCalls = new Counter({
  name: 'switchboard_model_calls_total',
  help: 'Finished calls of language models.',
  labelNames: ['agent', 'provider', 'model', 'status'] as const,
  registers: [metricsRegistry],
});

export const modelTokens = new Counter({
  name: 'switchboard_model_tokens_total',
  help: 'Tokens of finished calls.',
  labelNames: ['agent', 'provider', 'model', 'kind'] as const,
  registers: [metricsRegistry],
});

export const modelCost = new Counter({
  name: 'switchboard_model_cost_usd_total',
  help: 'Cost of finished calls in USD.',
  labelNames: ['agent', 'provider', 'model'] as const,
  registers: [metricsRegistry],
});

export const rateLimitRefusals = new Counter({
  name: 'switchboard_rate_limit_refusals_total',
  help: 'Turns that were not admitted: by the hourly or daily limit, or by the daily or monthly budget.',
  labelNames: ['agent', 'reason'] as const,
  registers: [metricsRegistry],
});

export const timeToFirstToken = new Histogram({
  name: 'switchboard_time_to_first_token_seconds',
  help: 'Time from a model call to its first content.',
  labelNames: ['agent', 'provider', 'model'] as const,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
  registers: [metricsRegistry],
});

export const activeStreams = new Gauge({
  name: 'switchboard_active_streams',
  help: 'Answers being generated right now.',
  registers: [metricsRegistry],
});

export const streamReaders = new Gauge({
  name: 'switchboard_stream_readers',
  help: 'Connections reading an answer right now.',
  registers: [metricsRegistry],
});
