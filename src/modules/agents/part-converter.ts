import type {
  JSONValue,
  LanguageModelV4File,
  LanguageModelV4ReasoningFile,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { toUIMessageChunk, type ToolSet } from 'ai';
import { parseToolCall } from 'ai/internal';
import { answerEnd, type AnswerEnd } from '../models/ending.js';
import type { Emit } from './agent.js';

type TextStreamPart = Parameters<typeof toUIMessageChunk<ToolSet>>[0];
type TypedToolCall = Extract<TextStreamPart, { type: 'tool-call' }>;
type ToolCall = Extract<LanguageModelV4StreamPart, { type: 'tool-call' }>;

/** A page that a provider has read is not stored in full with the answer. The answer summarizes it. */
const MAX_RESULT_TEXT = 4_000;

/** Turns the parts that a provider streams into chunks of the UI message stream, as `streamText` does without tools. */
export class PartConverter {
  end: AnswerEnd | undefined;
  private readonly toolCalls = new Map<string, TypedToolCall>();

  constructor(private readonly emit: Emit) {}

  /** Returns a promise only if something must be awaited. Tokens are converted at once. */
  convert(part: LanguageModelV4StreamPart): Promise<void> | undefined {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        // An empty delta has no content unless it carries a signature.
        if (part.delta !== '' || part.providerMetadata !== undefined) this.emit(part);
        return undefined;
      case 'text-start':
      case 'text-end':
      case 'reasoning-start':
      case 'reasoning-end':
        this.emit(part);
        return undefined;
      case 'file':
      case 'reasoning-file':
        return void this.emit({ ...part, type: part.type, url: urlOf(part) });
      case 'source':
      case 'tool-input-delta':
      case 'tool-input-end':
        return void this.pass(part);
      case 'tool-input-start':
        return void this.pass({ ...part, dynamic: part.dynamic ?? false });
      case 'tool-call':
        return this.convertToolCall(part);
      case 'tool-result':
        return void this.convertToolResult(part);
      case 'finish':
        this.end = answerEnd(part.finishReason);
        return undefined;
      default:
        // The other parts concern the provider's own protocol and are not part of the answer.
        return undefined;
    }
  }

  private pass(part: TextStreamPart): void {
    const chunk = toUIMessageChunk(part, { sendSources: true, onError: () => 'The tool failed.' });
    if (chunk !== undefined) this.emit(chunk);
  }

  private convertToolCall(part: ToolCall): Promise<void> | undefined {
    // The provider has already accepted the call, so there is nothing left to check.
    if (part.providerExecuted) {
      const { toolCallId, toolName, providerMetadata, dynamic = false } = part;
      const input = parsedInput(part.input);
      const call = { type: 'tool-call', toolCallId, toolName, input, dynamic, providerExecuted: true };
      return void this.passToolCall({ ...call, providerMetadata } as TypedToolCall);
    }
    return parseToolCall<ToolSet>({
      toolCall: part,
      tools: undefined,
      repairToolCall: undefined,
      refineToolInput: undefined,
      instructions: undefined,
      messages: [],
    }).then((toolCall) => this.passToolCall(toolCall));
  }

  private passToolCall(toolCall: TypedToolCall): void {
    this.toolCalls.set(toolCall.toolCallId, toolCall);
    this.pass(toolCall);
  }

  private convertToolResult(part: Extract<LanguageModelV4StreamPart, { type: 'tool-result' }>): void {
    const { toolCallId, toolName, dynamic, providerMetadata } = part;
    const input: unknown = this.toolCalls.get(toolCallId)?.input;
    const shared = {
      toolCallId,
      toolName,
      input,
      providerExecuted: true,
      dynamic: dynamic ?? false,
      providerMetadata,
    };
    const output = shortened(part.result);
    const result = part.isError
      ? { ...shared, type: 'tool-error', error: output }
      : { ...shared, type: 'tool-result', output, preliminary: part.preliminary };
    this.pass(result as TextStreamPart);
  }
}

function urlOf({ data, mediaType }: LanguageModelV4File | LanguageModelV4ReasoningFile): string {
  if (data.type === 'url') return data.url.toString();
  const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64');
  return `data:${mediaType};base64,${base64}`;
}

function parsedInput(input: string): unknown {
  try {
    return input.trim() === '' ? {} : (JSON.parse(input) as unknown);
  } catch {
    return input;
  }
}

function shortened(value: JSONValue): JSONValue {
  if (typeof value === 'string') {
    return value.length <= MAX_RESULT_TEXT ? value : `${value.slice(0, MAX_RESULT_TEXT).toWellFormed()}…`;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shortened);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member ?? null)]));
}
