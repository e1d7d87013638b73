import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional, IsUUID, ValidateBy } from 'class-validator';
import { isTime, isTimeZone } from '../period.js';

const IsTime = () =>
  applyDecorators(
    IsOptional(),
    ValidateBy({
      name: 'isTime',
      validator: {
        validate: isTime,
        defaultMessage: () =>
          '$property must be a date (2026-03-01) or a time (2026-03-01T09:00:00Z) of the years 1970 to 2999',
      },
    }),
  );

/** An IANA time zone. The default is UTC. */
export const IsTimeZone = () =>
  applyDecorators(
    ApiPropertyOptional({
      default: 'UTC',
      example: 'Europe/Berlin',
      description: 'The IANA time zone for days, and for times without an offset.',
    }),
    IsOptional(),
    ValidateBy({
      name: 'isTimeZone',
      validator: {
        validate: isTimeZone,
        defaultMessage: () => '$property must be an IANA time zone, such as Europe/Berlin',
      },
    }),
  );

/** The user that an administrator selects. The default is all users. */
export const IsUserFilter = () =>
  applyDecorators(
    ApiPropertyOptional({
      format: 'uuid',
      example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
      description: 'Only usage of this user.',
    }),
    IsOptional(),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value)),
    IsUUID('all', { message: 'must be the id of a user' }),
  );

/** `?from=&to=&tz=` */
export class UsagePeriodQuery {
  @ApiPropertyOptional({
    example: '2026-03-01',
    description: 'The start of the period (inclusive): a day in the time zone `tz`, or a time.',
  })
  @IsTime()
  from?: string;

  @ApiPropertyOptional({
    example: '2026-04-01T00:00:00Z',
    description: 'The end of the period (exclusive): a day in the time zone `tz`, or a time.',
  })
  @IsTime()
  to?: string;

  @IsTimeZone()
  tz: string = 'UTC';
}
