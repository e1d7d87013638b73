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
  /** The current content of the document. The image model changes it if it can. Otherwise it draws a new picture. */
  previous?: string;
}

export interface DrawingTask<T> extends DrawingRequest {
  signal: AbortSignal;
  emit: Emit;
  /** Stores the image as a version, in base64 like all documents of the kind image. */
  store: (content: string) => Promise<T>;
}

/** Lets the provider's image model draw. */
@Injectable()
export class ImageMaker {
  /** @throws AppError if no image model is available; call it before readers are told that a picture will come */
  imageModel(model: SelectedModel): SelectedImageModel {
    const imageModel = model.imageModel();
    if (imageModel) return imageModel;
    throw new AppError(
      400,
      'model_not_allowed',
      'Images are not available: no image model has a configured key.',
    );
  }

  /** The cost of {@link make} in USD, and whether its key is the user's own. @throws AppError if no image model is available */
  expectedCost({ model, title, prompt, previous }: DrawingRequest): {
    expectedCost: string;
    ownKey: boolean;
  } {
    const { provider, pricing, changes, ownKey } = this.imageModel(model);
    const promptTokens = estimateTokens(title) + estimateTokens(prompt);
    const picture = { provider, promptTokens, changes: changes && readImage(previous) !== undefined };
    return { expectedCost: expectedCostOfPicture(picture, pricing), ownKey };
  }

  /**
   * @returns what was stored
   * @throws AppError if there is no image model, and the error of the provider or of storing; readers then see the
   *   previous picture again
   */
  async make<T>({ model, title, prompt, previous, signal, emit, store }: DrawingTask<T>): Promise<T> {
    const imageModel = this.imageModel(model);
    const base = imageModel.changes ? readImage(previous) : undefined;
    try {
      const base64 = await imageModel.generate({
        // A description of the change alone is not enough to draw the whole picture.
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
