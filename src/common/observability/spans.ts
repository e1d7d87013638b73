import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes, Span, SpanContext } from '@opentelemetry/api';

/** The values of OpenTelemetry's enums, so that it does not have to be loaded for them. */
export const SPAN_KIND = { internal: 0, server: 1, client: 2 } as const;
const STATUS_ERROR = 2;

export interface SpanOptions {
  kind?: (typeof SPAN_KIND)[keyof typeof SPAN_KIND];
  /** Names and figures, never content of users. */
  attributes?: Attributes;
  startTime?: Date;
}

/** Where spans go. */
export interface SpanSink {
  start(name: string, options: SpanOptions, parent: SpanContext | undefined): Span;
  /** Whether prompts, answers and the inputs and results of tools are recorded as well. */
  capturesContent: boolean;
}

/** Of the process, like the metrics. Without a collector there is none, and nothing below does anything. */
let sink: SpanSink | undefined;
const active = new AsyncLocalStorage<Span>();

export function setSpanSink(next: SpanSink | undefined): void {
  sink = next;
}

export const capturesContent = (): boolean => sink?.capturesContent === true;

/** The span that the current work belongs to. */
export function activeSpan(): Span | undefined {
  return sink && active.getStore();
}

/** Begins a span, which is undefined without a collector. It must be ended. */
export function startSpan(
  name: string,
  options: SpanOptions = {},
  parent: SpanContext | undefined = activeSpan()?.spanContext(),
): Span | undefined {
  return sink?.start(name, options, parent);
}

/** Spans that `work` begins belong to this span. */
export function runWithin<T>(span: Span | undefined, work: () => T): T {
  return span ? active.run(span, work) : work();
}

/** Runs work in a span of its own. */
export async function inSpan<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const span = startSpan(name, options);
  if (!span) return work();
  try {
    return await active.run(span, work);
  } catch (error) {
    markFailed(span, errorTypeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The span of an agent's work, in the words of OpenTelemetry's conventions for generative AI. */
export function agentSpan(agent: string, model: string, chatId?: string): [string, SpanOptions] {
  const attributes = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': agent,
    'gen_ai.request.model': model,
    ...(chatId === undefined ? {} : { 'gen_ai.conversation.id': chatId }),
  };
  return [`invoke_agent ${agent}`, { attributes }];
}

/** Marks a span as failed. Its description is a code, because messages of errors can have content in them. */
export function markFailed(span: Span, errorType: string): void {
  span.setAttribute('error.type', errorType);
  span.setStatus({ code: STATUS_ERROR, message: errorType });
}

export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as Error & { code?: unknown };
  return typeof code === 'string' ? code : error.name || error.constructor.name;
}

/** The fields that connect a log line with its trace. */
export function traceFields(span = activeSpan()): { trace_id?: string; span_id?: string } {
  if (!span) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

/** The caller's span, from the W3C header `traceparent`. */
export function remoteParent(header: unknown): SpanContext | undefined {
  const [, traceId, spanId, flags] = (typeof header === 'string' && TRACEPARENT.exec(header)) || [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}
