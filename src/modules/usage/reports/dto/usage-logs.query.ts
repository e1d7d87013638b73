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

/** A minimum or maximum number of tokens or milliseconds. */
const IsCount = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: MAX_INTEGER, description }),
    IsOptional(),
    Type(() => Number),
    IsInt(),
    Min(0),
    Max(MAX_INTEGER),
  );

/** A minimum or maximum cost in USD. */
const IsCost = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: 'number', minimum: 0, maximum: MAX_COST, description }),
    IsOptional(),
    Type(() => Number),
    IsNumber(),
    Min(0),
    Max(MAX_COST),
  );

/** Filters single calls. */
export class UsageLogFilterQuery extends UsageCallsQuery {
  @ApiPropertyOptional({
    example: '3f0c9d5e-1a2b-4c3d-8e4f-5a6b7c8d9e0f',
    description: 'Only calls of this chat: a UUID, or the id that the client chose.',
  })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  chatId?: string;

  @IsCount('The minimum number of input tokens.')
  minInputTokens?: number;

  @IsCount('The maximum number of input tokens.')
  maxInputTokens?: number;

  @IsCount('The minimum number of output tokens.')
  minOutputTokens?: number;

  @IsCount('The maximum number of output tokens.')
  maxOutputTokens?: number;

  @IsCount('The minimum number of tokens.')
  minTotalTokens?: number;

  @IsCount('The maximum number of tokens.')
  maxTotalTokens?: number;

  @IsCost('The minimum input cost in USD.')
  minInputCost?: number;

  @IsCost('The maximum input cost in USD.')
  maxInputCost?: number;

  @IsCost('The minimum output cost in USD.')
  minOutputCost?: number;

  @IsCost('The maximum output cost in USD.')
  maxOutputCost?: number;

  @IsCost('The minimum total cost in USD.')
  minTotalCost?: number;

  @IsCost('The maximum total cost in USD.')
  maxTotalCost?: number;

  @IsCount('The minimum duration in milliseconds. Only calls that have ended.')
  minDurationMs?: number;

  @IsCount('The maximum duration in milliseconds. Only calls that have ended.')
  maxDurationMs?: number;
}

export class UsageLogsQuery extends IntersectionType(UsageLogFilterQuery, PickType(PageQuery, ['limit'])) {
  @ApiPropertyOptional({
    enum: LOG_FIELDS.flatMap((field) => [field, `-${field}`]),
    default: '-requestTimestamp',
    description:
      'The sort order. A leading `-` sorts the highest first. `totalCost:desc` is the same as `-totalCost`. Running calls ' +
      'sort as the shortest duration.',
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
    description: 'The `nextCursor` of the previous page. It is opaque and only valid for the same `sort`.',
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
    description: '`csv` is a table with a header row. `ndjson` has one JSON document per line.',
  })
  @IsOptional()
  @IsIn(EXPORT_FORMATS)
  format: UsageExportFormat = 'csv';
}

export class AdminUsageExportQuery extends UsageExportQuery {
  @IsUserFilter()
  userId?: string;
}
