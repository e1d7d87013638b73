import { Injectable } from '@nestjs/common';
import { AppError } from '../../../common/errors/app-error.js';
import type { SelectedModel } from '../providers/model-selector.js';
import type { Emit } from '../turn/turn.types.js';

export interface ImageTask {
  model: SelectedModel;
  prompt: string;
  signal: AbortSignal;
  emit: Emit;
}

/** Lets the provider's image model draw. */
@Injectable()
export class ImageMaker {
  /**
   * @returns the image in base64, as documents of the kind image store it
   * @throws AppError when there is no image model for which a key is at hand, and what the provider failed with
   */
  async make({ model, prompt, signal, emit }: ImageTask): Promise<string> {
    const image = model.imageModel();
    if (!image) {
      throw new AppError(400, 'model_not_allowed', 'There is no image model for which a key is at hand.');
    }
    const base64 = await image.generate(prompt, signal);
    emit({ type: 'data-imageDelta', data: base64, transient: true });
    return base64;
  }
}
