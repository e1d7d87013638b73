import {
  isStepCount,
  experimental_streamTextLowMemory as streamText,
  type ToolApprovalConfiguration,
  type ToolSet,
  toUIMessageStream,
  type UIMessageChunk,
} from 'ai';
import { callSettings } from '../models/call-settings.js';
import type { AnswerEnd } from '../models/ending.js';
import type { Attempt } from '../models/fallback/attempt.js';
import { answerOf } from '../models/fallback/fallback.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { AgentInput, Emit } from './agent.js';
import { AccountedModel } from './accounted-model.js';
import { askedBy } from './asked-by.js';
import { refuseDownloads } from './file-input.js';
import { toModelMessages } from './history.js';
import { askingFor } from './prompt/ask.js';
import { ToolFailure, withDescribedFailures } from './tools/tool-failure.js';

export interface ToolLoop {
  input: AgentInput;
  model: SelectedModel;
  emit: Emit;
  instructions: string;
  /** The tools of an answer by a model. Some of them call it. */
  toolsFor: (model: SelectedModel) => ToolSet;
  /** The calls that need the user's approval. */
  toolApproval?: ToolApprovalConfiguration<ToolSet, never>;
  /** The maximum number of model calls. */
  maxSteps: number;
  /** The text that the user and the model get if a tool fails. */
  describeToolError: (error: unknown) => string;
}

/**
 * Answers with tools: the model is called until its answer is complete or needs the user's approval. If it fails before
 * its first token, the loop starts anew with the next model, because vendors need different prompts and settings.
 *
 * @returns how the model ended its last step
 * @throws the error of the provider
 */
export async function runToolLoop(loop: ToolLoop): Promise<AnswerEnd | undefined> {
  return answerOf(loop.model, askedBy(loop.input), (model, attempt) => loopWith(model, loop, attempt));
}

async function loopWith(
  model: SelectedModel,
  loop: ToolLoop,
  attempt: Attempt,
): Promise<AnswerEnd | undefined> {
  const { input, instructions, describeToolError } = loop;
  const tools = withDescribedFailures(loop.toolsFor(model), describeToolError);
  const accounted = new AccountedModel(model, input.admission, askingFor(input), attempt);
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
  const emit = attempt.isReplaceable ? holdingFrames(loop.emit, attempt) : loop.emit;
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

/** Emits the start of a step with the first chunk behind it, so that a model that gives no answer leaves nothing behind. */
function holdingFrames(emit: Emit, attempt: Attempt): Emit {
  const held: UIMessageChunk[] = [];
  return (chunk) => {
    const isFrame = chunk.type === 'start-step' || chunk.type === 'finish-step';
    if (isFrame && attempt.isReplaceable) {
      held.push(chunk);
      return;
    }
    // The results of calls that the user has approved come before the model.
    attempt.shown();
    for (const frame of held.splice(0)) emit(frame);
    emit(chunk);
  };
}
