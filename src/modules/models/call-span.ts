import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import type { Attributes, SpanContext } from '@opentelemetry/api';
import {
  activeSpan,
  capturesContent,
  markFailed,
  SPAN_KIND,
  startSpan,
} from '../../common/observability/spans.js';
import type { FinishedCall } from '../usage/usage.types.js';

/** The names of vendors in OpenTelemetry's conventions, where they differ. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = { google: 'gcp.gemini' };
/** Longer content is cut, because collectors refuse spans of several megabytes. */
const MAX_CONTENT = 100_000;

/** The span of one model call, in the words of OpenTelemetry's conventions for generative AI. */
export class CallSpan {
  private readonly parent?: SpanContext;
  /** Present only if content is recorded. */
  private readonly output?: { text: string; toolCalls: object[] };

  constructor(private readonly params: Pick<LanguageModelV4CallOptions, 'prompt'>) {
    this.parent = activeSpan()?.spanContext();
    if (capturesContent()) this.output = { text: '', toolCalls: [] };
  }

  observe(part: LanguageModelV4StreamPart | LanguageModelV4Content): void {
    if (!this.output) return;
    if (part.type === 'text-delta') this.addText(part.delta);
    else if (part.type === 'text') this.addText(part.text);
    else if (part.type === 'tool-call') {
      const { toolCallId: id, toolName: name, input } = part;
      this.output.toolCalls.push({ type: 'tool_call', id, name, arguments: input });
    }
  }

  private addText(text: string): void {
    if (this.output && this.output.text.length < MAX_CONTENT) this.output.text += text;
  }

  end(call: FinishedCall): void {
    const { model, metadata } = call;
    const options = { kind: SPAN_KIND.client, startTime: call.requestedAt, attributes: attributesOf(call) };
    const span = startSpan(`chat ${model}`, options, this.parent);
    if (!span) return;
    if (this.output) span.setAttributes(this.content(this.output, metadata.finishReason));
    if (metadata.status === 'error') markFailed(span, metadata.errorCode ?? 'error');
    span.end(call.respondedAt);
  }

  private content(
    { text, toolCalls }: { text: string; toolCalls: object[] },
    finishReason: string | undefined,
  ): Attributes {
    const parts = [...(text === '' ? [] : [{ type: 'text', content: text }]), ...toolCalls];
    return {
      'gen_ai.input.messages': JSON.stringify(this.params.prompt.map(toMessage)).slice(0, MAX_CONTENT),
      'gen_ai.output.messages': JSON.stringify([
        { role: 'assistant', parts, finish_reason: finishReason },
      ]).slice(0, MAX_CONTENT),
    };
  }
}

function attributesOf({ agentType, provider, model, chatId, metadata, tokens }: FinishedCall): Attributes {
  const { finishReason, answeredBy } = metadata;
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': PROVIDER_NAMES[provider] ?? provider,
    'gen_ai.request.model': model,
    ...(answeredBy ? { 'gen_ai.response.model': answeredBy } : {}),
    ...(chatId ? { 'gen_ai.conversation.id': chatId } : {}),
    'gen_ai.usage.input_tokens': tokens.inputTokens,
    'gen_ai.usage.output_tokens': tokens.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': tokens.cachedInputTokens,
    'gen_ai.usage.cache_creation.input_tokens': tokens.cacheWriteTokens,
    ...(finishReason ? { 'gen_ai.response.finish_reasons': [finishReason] } : {}),
    'switchboard.agent': agentType,
    'switchboard.purpose': metadata.purpose,
    'switchboard.request_id': metadata.requestId,
    'switchboard.status': metadata.status,
    'switchboard.time_to_first_token_ms': metadata.timeToFirstTokenMs,
  };
}

type PromptMessage = LanguageModelV4CallOptions['prompt'][number];

/** Without files: they are not text, and can be large. */
function toMessage({ role, content }: PromptMessage): object {
  if (typeof content === 'string') return { role, parts: [{ type: 'text', content }] };
  return { role, parts: content.map(toPart) };
}

function toPart(part: Exclude<PromptMessage['content'], string>[number]): object {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return { type: part.type, content: part.text };
    case 'tool-call':
      return { type: 'tool_call', id: part.toolCallId, name: part.toolName, arguments: part.input };
    case 'tool-result':
      return { type: 'tool_call_response', id: part.toolCallId, response: part.output };
    default:
      return { type: part.type };
  }
}
