import { AppError, upstreamError } from '../../../common/errors/app-error.js';
import type { FinishReason } from '../../models/ending.js';
import type { SelectedModel } from '../../models/model-selector.js';
import { upstreamFailure } from '../../models/upstream-failure.js';

const WHY: Record<Exclude<FinishReason, 'stop'>, string> = {
  length: 'it was cut off at its token limit',
  'content-filter': 'the model or its provider declined to write it',
  'tool-calls': 'the model did not finish it',
  error: 'the model did not finish it',
};

/**
 * Why what a model has written may not take the place of anything; undefined for what is finished. The model that has
 * called the tool reads the text, too.
 *
 * @param kept what is still there: "the document is as it was before"
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
  return upstreamError(`Nothing was stored, because ${why}; ${kept}.`);
}

/** What its reader and the model that has called the tool are told of a call that failed. */
export function failedWork(thrown: unknown, model: SelectedModel, kept: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const { status, code, detail } = upstreamFailure(thrown, model);
  return new AppError(status, code, `${detail} Nothing was stored; ${kept}.`, { cause: thrown });
}
