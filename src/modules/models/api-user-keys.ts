import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { PROVIDERS, VENDORS } from './vendors/vendors.js';

/** Documents the headers in which users send keys of their own. */
export const ApiUserKeys = () =>
  applyDecorators(
    ...PROVIDERS.map((provider) =>
      ApiHeader({
        name: VENDORS[provider].keyHeader,
        required: false,
        description: `Your own ${provider} key. It wins over the server's, is used for this request and never stored.`,
      }),
    ),
  );
