import type { IncomingHttpHeaders } from 'node:http';
import type { Body, Dialect, ErrorAnswer, RequestFacts } from './dialect.js';
import { openaiError, openaiHeaders, openaiKeyProblem, openaiStatus } from './openai-errors.js';
import type { Reply } from './reply.js';

const MAX_PROMPT = 32_000;
const NO_STREAM = 'pictures come in one piece';

/** OpenAI Images: `POST /images/generations`, and `/images/edits` as a form. */
export const openaiImages: Dialect = {
  provider: 'openai',
  headers: openaiHeaders,
  facts,
  refusal,
  frames: () => {
    throw new Error(NO_STREAM);
  },
  whole(reply, body) {
    const { image, figures } = reply;
    return {
      body: {
        created: Math.floor(Date.now() / 1000),
        background: 'opaque',
        data: image === undefined ? [] : [{ b64_json: image }],
        output_format: 'png',
        quality: body['quality'] ?? 'medium',
        size: body['size'] ?? '1024x1024',
        ...(figures && { usage: usage(reply, figures) }),
      },
      figures: figures && { ...figures, cachedRead: 0, cacheWrite: 0, reasoning: 0 },
    };
  },
  brokenFrame: '',
  errorFrame: () => {
    throw new Error(NO_STREAM);
  },
  contentRefusal: () =>
    openaiError(
      400,
      'Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include the request ID req_double. safety_violations=[violence].',
      { type: 'image_generation_user_error', code: 'moderation_blocked' },
    ),
  statusAnswer: (status, known, retryAfter) =>
    status === 400
      ? openaiError(
          400,
          "Invalid value: 'draft'. Supported values are: 'low', 'medium', 'high', and 'auto'.",
          {
            param: 'quality',
            code: 'invalid_value',
          },
        )
      : openaiStatus(status, known, 'input', retryAfter),
};

function facts(body: Body): RequestFacts {
  return {
    model: String(body['model'] ?? ''),
    stream: false,
    instructions: '',
    userText: String(body['prompt'] ?? ''),
    afterTools: false,
    wantsReasoning: false,
    wantsImage: true,
  };
}

function refusal(headers: IncomingHttpHeaders, body: Body, { model }: RequestFacts): ErrorAnswer | undefined {
  const keyProblem = openaiKeyProblem(headers);
  if (keyProblem) return keyProblem;
  const { prompt } = body;
  if (typeof prompt !== 'string' || prompt === '') {
    return openaiError(400, "Missing required parameter: 'prompt'.", {
      param: 'prompt',
      code: 'missing_required_parameter',
    });
  }
  if (prompt.length > MAX_PROMPT) {
    return openaiError(
      400,
      `Invalid 'prompt': string too long. Expected a string with maximum length ${MAX_PROMPT}, but got a string with length ${prompt.length} instead.`,
      { param: 'prompt', code: 'string_above_max_length' },
    );
  }
  // These models always respond with base64, and refuse an option for it.
  if (model.startsWith('gpt-image-') && 'response_format' in body) {
    return openaiError(400, "Unknown parameter: 'response_format'.", {
      param: 'response_format',
      code: 'unknown_parameter',
    });
  }
  const isForm = String(headers['content-type']).startsWith('multipart/');
  return isForm ? formProblem(body) : undefined;
}

function formProblem({ image }: Body): ErrorAnswer | undefined {
  const type = (image as { type?: string } | undefined)?.type;
  if (type === undefined) {
    return openaiError(400, "Missing required parameter: 'image'.", {
      param: 'image',
      code: 'missing_required_parameter',
    });
  }
  if (/^image\/(?:png|jpeg|webp)$/.test(type)) return undefined;
  return openaiError(
    400,
    `Invalid file 'image': unsupported mimetype ('${type}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.`,
    { param: 'image', code: 'unsupported_file_mimetype' },
  );
}

function usage({ imageInput }: Reply, { input, output }: NonNullable<Reply['figures']>): unknown {
  return {
    input_tokens: input,
    input_tokens_details: { image_tokens: imageInput, text_tokens: input - imageInput },
    output_tokens: output,
    total_tokens: input + output,
  };
}
