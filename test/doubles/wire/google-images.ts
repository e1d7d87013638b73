import type { Dialect } from './dialect.js';
import { google } from './google.js';
import type { Reply } from './reply.js';

/**
 * Gemini's image models: `POST /models/{id}:generateContent` with the modality IMAGE. For refused content, it responds
 * without an image, and counts the input.
 */
export const googleImages: Dialect = {
  ...google,
  facts: (body, path) => ({
    ...google.facts(body, path),
    wantsImage: (body['generationConfig']?.responseModalities as string[] | undefined)?.includes('IMAGE'),
  }),
  whole(reply, body) {
    const { image, figures, finishReason } = reply;
    if (image === undefined && finishReason !== 'content-filter') return google.whole(reply, body);
    const candidate =
      image === undefined
        ? {
            finishReason: 'IMAGE_SAFETY',
            index: 0,
            finishMessage:
              "Unable to show the generated image. The image was filtered out because it violated Google's Generative AI Prohibited Use policy. You will not be charged for blocked images. Try rephrasing the prompt.",
          }
        : {
            content: { parts: [{ inlineData: { mimeType: 'image/png', data: image } }], role: 'model' },
            finishReason: 'STOP',
            index: 0,
          };
    return {
      body: {
        candidates: [candidate],
        ...(figures ? { usageMetadata: usage(reply, figures) } : {}),
        modelVersion: reply.model,
        responseId: reply.id.slice(0, 22),
      },
      figures: figures && {
        ...figures,
        cachedRead: 0,
        cacheWrite: 0,
        output: image === undefined ? 0 : figures.output,
        reasoning: 0,
      },
    };
  },
};

function usage(
  { image, imageInput }: Reply,
  { input, output, words = 0 }: NonNullable<Reply['figures']>,
): unknown {
  return {
    promptTokenCount: input,
    ...(image === undefined ? {} : { candidatesTokenCount: output }),
    totalTokenCount: input + output,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: input - imageInput },
      ...(imageInput ? [{ modality: 'IMAGE', tokenCount: imageInput }] : []),
    ],
    ...(image === undefined
      ? {}
      : { candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: output - words }] }),
  };
}
