import type { PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { invalidField } from '../../common/errors/app-error.js';
import { isUuid } from '../../common/http/client-id.js';

/** `:id` of a user, which no client chooses; anything but a UUID is refused with 400. */
export class UserIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!isUuid(value)) throw invalidField('id', 'must be the id of a user');
    return value.toLowerCase();
  }
}

/** Documents the path parameter that {@link UserIdPipe} takes. */
export const ApiUserIdParam = () =>
  ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' }, description: 'The id of the user.' });
