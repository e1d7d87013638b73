import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';

/** Documents the headers in which users send keys of their own. */
export const ApiUserKeys = () =>
  applyDecorators(
    ...['google', 'openai', 'anthropic'].map((provider) =>
      ApiHeader({
        name: `x-${provider}-api-key`,
        required: false,
        description: `Your own ${provider} key. It wins over the server's, is used for this request and never stored.`,
      }),
    ),
  );
