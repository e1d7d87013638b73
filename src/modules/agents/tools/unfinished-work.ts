import { AppError, upstreamError } from '../../../common/errors/app-error.js';
import type { FinishReason } from '../../models/ending.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { upstreamFailure } from '../../models/upstream-failure.js';

const WHY: Record<Exclude<FinishReason, 'stop'>, string> = {
  length: 'the content was cut off at the token limit',
  'content-filter': 'the model or its provider declined to write it',
  'tool-calls': 'the model did not finish it',
  error: 'the model did not finish it',
};

/**
 * Why content that a model has written must not be stored. Undefined if the content is finished. The error text is also
 * sent to the model that called the tool.
 *
 * @param kept what is left unchanged, such as "the document is unchanged"
 */
export function unfinishedWork(
  finishReason: FinishReason | undefined,
  content: string,
  kept: string,
): AppError | undefined {
  const isEmpty = content.trim() === '';
  if (finishReason === 'stop' && !isEmpty) return undefined;
  const why =
    finishReason === undefined || finishReason === 'stop' ? 'the model wrote nothing' : WHY[finishReason];
  return upstreamError(`Nothing was stored because ${why}, and ${kept}.`);
}

/** The error that the user and the calling model see if a call fails. */
export function failedWork(thrown: unknown, model: SelectedModel, kept: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const { status, code, detail } = upstreamFailure(thrown, model);
  return new AppError(status, code, `${detail} Nothing was stored, and ${kept}.`, { cause: thrown });
}
