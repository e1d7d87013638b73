import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsString, Length, ValidateIf } from 'class-validator';

export const MAX_TITLE_LENGTH = 255;

/** Validates a field only if it was sent. Unlike with `@IsOptional()`, null is not treated as missing. */
export const IfSent = () => ValidateIf((_, value) => value !== undefined);

/** A title: trimmed, then 1 to 255 characters. */
export const IsTitle = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
    IsString(),
    Length(1, MAX_TITLE_LENGTH),
  );
