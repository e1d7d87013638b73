import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';

export const ACCOUNT_EXPORT_FORMATS = ['json', 'ndjson'] as const;
export type AccountExportFormat = (typeof ACCOUNT_EXPORT_FORMATS)[number];

export class ExportAccountQuery {
  @ApiPropertyOptional({
    enum: ACCOUNT_EXPORT_FORMATS,
    default: 'json',
    example: 'ndjson',
    description: '`json` is one document. `ndjson` has one line `{type, data}` for each item.',
  })
  @IsIn(ACCOUNT_EXPORT_FORMATS)
  format: AccountExportFormat = 'json';
}
