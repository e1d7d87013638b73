import { Injectable } from '@nestjs/common';
import { AppError } from '../../../common/errors/app-error.js';
import { expectedCostOfPicture } from '../../usage/expected-cost.js';
import { estimateTokens } from '../../usage/token-estimate.js';
import type { SelectedImageModel, SelectedModel } from '../../models/model-selector.js';
import type { Emit } from '../agent.js';
import { readImage } from './image-content.js';

export interface DrawingRequest {
  model: SelectedModel;
  title: string;
  prompt: string;
  /** The content of the document so far: it is changed where the image model can do that, and drawn anew where not. */
  previous?: string;
}

export interface DrawingTask<T> extends DrawingRequest {
  signal: AbortSignal;
  emit: Emit;
  /** Makes a version of the image: base64, as documents of the kind image store it. */
  store: (content: string) => Promise<T>;
}

/** Lets the provider's image model draw. */
@Injectable()
export class ImageMaker {
  /** @throws AppError when nobody can draw: to be asked before a reader is told that there will be a picture */
  imageModel(model: SelectedModel): SelectedImageModel {
    const imageModel = model.imageModel();
    if (imageModel) return imageModel;
    throw new AppError(
      400,
      'model_not_allowed',
      'Images are not available: no image model has a configured key.',
    );
  }

  /** USD of what {@link make} would do. @throws AppError when nobody can draw */
  expectedCost({ model, title, prompt, previous }: DrawingRequest): string {
    const { provider, pricing, changes } = this.imageModel(model);
    const promptTokens = estimateTokens(title) + estimateTokens(prompt);
    const changesOne = changes && readImage(previous) !== undefined;
    return expectedCostOfPicture({ provider, promptTokens, changes: changesOne }, pricing);
  }

  /**
   * @returns what was stored
   * @throws AppError when there is no image model, and what the provider or the storing failed with; a reader sees the
   *   previous picture again then
   */
  async make<T>({ model, title, prompt, previous, signal, emit, store }: DrawingTask<T>): Promise<T> {
    const imageModel = this.imageModel(model);
    const base = imageModel.changes ? readImage(previous) : undefined;
    try {
      const base64 = await imageModel.generate({
        // Of a change alone, nobody could draw the whole.
        prompt: previous === undefined || base ? prompt : `${title}\n\n${prompt}`,
        base: base && { type: 'file', ...base },
        abortSignal: signal,
      });
      emit({ type: 'data-imageDelta', data: base64, transient: true });
      return await store(base64);
    } catch (error) {
      if (previous !== undefined && !signal.aborted) {
        emit({ type: 'data-imageDelta', data: previous, transient: true });
        emit({ type: 'data-finish', data: null, transient: true });
      }
      throw error;
    }
  }
}
