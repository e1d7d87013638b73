import { isStepCount, streamText, type ToolApprovalConfiguration, type ToolSet, toUIMessageStream } from 'ai';
import { callSettings } from '../models/call-settings.js';
import type { AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { AgentInput, Emit } from './agent.js';
import { AccountedModel } from './accounted-model.js';
import { refuseDownloads } from './file-input.js';
import { toModelMessages } from './history.js';
import { askingFor } from './prompt/ask.js';
import { ToolFailure, withDescribedFailures } from './tools/tool-failure.js';

export interface ToolLoop {
  input: AgentInput;
  model: SelectedModel;
  emit: Emit;
  instructions: string;
  tools: ToolSet;
  /** Which calls wait for the user's word. */
  toolApproval?: ToolApprovalConfiguration<ToolSet, never>;
  /** Calls of the model at most. */
  maxSteps: number;
  /** What the user and the model read of a tool that failed. */
  describeToolError: (error: unknown) => string;
}

/**
 * Answers with tools: the model is called until it says no more, or waits for the user's approval.
 *
 * @returns how the model ended its last step
 * @throws what the provider failed with
 */
export async function runToolLoop(loop: ToolLoop): Promise<AnswerEnd | undefined> {
  const { input, model, emit, instructions, describeToolError } = loop;
  const tools = withDescribedFailures(loop.tools, describeToolError);
  const accounted = new AccountedModel(model, input.admission, askingFor(input));
  const result = streamText({
    ...callSettings(model),
    model: accounted,
    instructions,
    messages: await toModelMessages(input.history, model, input.readFile),
    tools,
    toolApproval: loop.toolApproval,
    stopWhen: isStepCount(loop.maxSteps),
    abortSignal: input.signal,
    // The model's own calls are tried again where nothing was lost; here it would be once more on top.
    maxRetries: 0,
    experimental_download: refuseDownloads,
    // It is thrown below, and logged by whoever handles it.
    onError: () => undefined,
  });
  const chunks = toUIMessageStream({
    stream: result.stream,
    tools,
    sendStart: false,
    sendFinish: false,
    sendSources: true,
    onError: (error) => (error instanceof ToolFailure ? error.message : describeToolError(error)),
  });
  for await (const chunk of chunks) {
    if (chunk.type === 'abort') break;
    // It is about the provider's own protocol, not part of the answer.
    if (chunk.type === 'custom') continue;
    if (chunk.type !== 'error') emit(chunk);
    else if (!accounted.failure) accounted.failure = { error: new Error(chunk.errorText) };
  }
  if (accounted.failure) throw accounted.failure.error;
  input.signal.throwIfAborted();
  return accounted.end;
}
