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
  /** The calls that need the user's approval. */
  toolApproval?: ToolApprovalConfiguration<ToolSet, never>;
  /** The maximum number of model calls. */
  maxSteps: number;
  /** The text that the user and the model get if a tool fails. */
  describeToolError: (error: unknown) => string;
}

/**
 * Answers with tools: the model is called until its answer is complete or needs the user's approval.
 *
 * @returns how the model ended its last step
 * @throws the error of the provider
 */
export async function runToolLoop(loop: ToolLoop): Promise<AnswerEnd | undefined> {
  const { input, model, emit, instructions, describeToolError } = loop;
  const tools = withDescribedFailures(loop.tools, describeToolError);
  const accounted = new AccountedModel(model, input.admission, askingFor(input));
  const result = streamText({
    ...callSettings(model),
    model: accounted,
    instructions,
    messages: await toModelMessages(input.history, model),
    tools,
    toolApproval: loop.toolApproval,
    stopWhen: isStepCount(loop.maxSteps),
    abortSignal: input.signal,
    // The model already retries its own calls if nothing was lost. Retries here would be added to those.
    maxRetries: 0,
    experimental_download: refuseDownloads,
    // The error is thrown below, and its handler logs it.
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
    // It concerns the provider's own protocol and is not part of the answer.
    if (chunk.type === 'custom') continue;
    if (chunk.type !== 'error') emit(chunk);
    else if (!accounted.failure) accounted.failure = { error: new Error(chunk.errorText) };
  }
  if (accounted.failure) throw accounted.failure.error;
  input.signal.throwIfAborted();
  return accounted.end;
}
