import type { PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { invalidField } from '../../common/errors/app-error.js';
import { isUuid } from '../../common/http/client-id.js';

/** `:id` of a user. Clients do not choose these ids, so anything but a UUID is refused with 400. */
export class UserIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!isUuid(value)) throw invalidField('id', 'must be the id of a user');
    return value.toLowerCase();
  }
}

/** Documents the path parameter for {@link UserIdPipe}. */
export const ApiUserIdParam = () =>
  ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' }, description: 'The id of the user.' });
