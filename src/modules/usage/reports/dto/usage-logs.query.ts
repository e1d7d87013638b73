import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, IntersectionType, PickType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateBy,
} from 'class-validator';
import { PageQuery } from '../../../../common/http/paging.js';
import { isLogOrder, LOG_FIELDS } from '../log-order.js';
import { UsageCallsQuery } from './usage-calls.query.js';
import { IsUserFilter } from './usage-period.query.js';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type UsageExportFormat = (typeof EXPORT_FORMATS)[number];

const MAX_INTEGER = 2 ** 31 - 1;
const MAX_COST = 10_000;

/** At least, or at most, so many tokens or milliseconds. */
const IsCount = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: MAX_INTEGER, description }),
    IsOptional(),
    Type(() => Number),
    IsInt(),
    Min(0),
    Max(MAX_INTEGER),
  );

/** At least, or at most, so many dollars. */
const IsCost = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: 'number', minimum: 0, maximum: MAX_COST, description }),
    IsOptional(),
    Type(() => Number),
    IsNumber(),
    Min(0),
    Max(MAX_COST),
  );

/** Which calls are meant, one by one. */
export class UsageLogFilterQuery extends UsageCallsQuery {
  @ApiPropertyOptional({
    example: '3f0c9d5e-1a2b-4c3d-8e4f-5a6b7c8d9e0f',
    description: 'Only calls of this chat: a UUID, or the id that the client chose.',
  })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  chatId?: string;

  @IsCount('At least so many input tokens.')
  minInputTokens?: number;

  @IsCount('At most so many input tokens.')
  maxInputTokens?: number;

  @IsCount('At least so many output tokens.')
  minOutputTokens?: number;

  @IsCount('At most so many output tokens.')
  maxOutputTokens?: number;

  @IsCount('At least so many tokens.')
  minTotalTokens?: number;

  @IsCount('At most so many tokens.')
  maxTotalTokens?: number;

  @IsCost('At least this cost of the input, in USD.')
  minInputCost?: number;

  @IsCost('At most this cost of the input, in USD.')
  maxInputCost?: number;

  @IsCost('At least this cost of the output, in USD.')
  minOutputCost?: number;

  @IsCost('At most this cost of the output, in USD.')
  maxOutputCost?: number;

  @IsCost('At least this cost, in USD.')
  minTotalCost?: number;

  @IsCost('At most this cost, in USD.')
  maxTotalCost?: number;

  @IsCount('At least so many milliseconds; only calls that have ended.')
  minDurationMs?: number;

  @IsCount('At most so many milliseconds; only calls that have ended.')
  maxDurationMs?: number;
}

export class UsageLogsQuery extends IntersectionType(UsageLogFilterQuery, PickType(PageQuery, ['limit'])) {
  @ApiPropertyOptional({
    enum: LOG_FIELDS.flatMap((field) => [field, `-${field}`]),
    default: '-requestTimestamp',
    description:
      'The order; with `-` in front the highest first. `totalCost:desc` is taken for `-totalCost`. A call that is running has a shorter duration than any other.',
  })
  @IsOptional()
  @ValidateBy({
    name: 'isLogOrder',
    validator: {
      validate: isLogOrder,
      defaultMessage: () =>
        `$property must be one of ${LOG_FIELDS.join(', ')}, or one of them with - in front`,
    },
  })
  sort: string = '-requestTimestamp';

  @ApiPropertyOptional({
    description: 'The `nextCursor` of the page before; opaque, and only for the same `sort`.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(2048)
  cursor?: string;
}

export class AdminUsageLogsQuery extends UsageLogsQuery {
  @IsUserFilter()
  userId?: string;
}

export class UsageExportQuery extends UsageLogFilterQuery {
  @ApiPropertyOptional({
    enum: EXPORT_FORMATS,
    default: 'csv',
    description: 'A table with a header row, or a JSON document a line.',
  })
  @IsOptional()
  @IsIn(EXPORT_FORMATS)
  format: UsageExportFormat = 'csv';
}

export class AdminUsageExportQuery extends UsageExportQuery {
  @IsUserFilter()
  userId?: string;
}
