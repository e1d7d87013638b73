import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { PROVIDERS, VENDORS } from './vendors/vendors.js';

/** Documents the headers for users' own keys. */
export const ApiUserKeys = () =>
  applyDecorators(
    ...PROVIDERS.map((provider) =>
      ApiHeader({
        name: VENDORS[provider].keyHeader,
        required: false,
        description: `Your own ${VENDORS[provider].name} key. It overrides the server's key. It is used only for this request and is never stored.`,
      }),
    ),
  );
