import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, type ValidationError } from 'class-validator';
import { type FieldError, MAX_FIELD_ERRORS, validationFailed } from '../errors/app-error.js';

const UNKNOWN_FIELD = 'is not a known field';

/** Validates every DTO. Unknown fields are refused, and each invalid field is named by its path. */
export function createValidationPipe(): ValidationPipe {
  return new DtoPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => validationFailed(collect(errors, '', [])),
  });
}

/**
 * Refuses arrays and unknown fields before class-transformer and class-validator run. Their work grows with the square
 * of the number of unknown fields, and they validate every element of an array where a single object is expected.
 */
@Injectable()
class DtoPipe extends ValidationPipe {
  private readonly knownFields = new WeakMap<object, Set<string>>();

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype } = metadata;
    if (metatype !== undefined && value !== undefined && value !== null && this.toValidate(metadata)) {
      const known = this.fieldsOf(metatype);
      if (known.size > 0) refuseUnknown(value, known);
    }
    return super.transform(value, metadata) as Promise<unknown>;
  }

  private fieldsOf(metatype: NonNullable<ArgumentMetadata['metatype']>): Set<string> {
    let fields = this.knownFields.get(metatype);
    if (fields === undefined) {
      const rules = getMetadataStorage().getTargetValidationMetadatas(metatype, '', false, false);
      fields = new Set(rules.map(({ propertyName }) => propertyName));
      this.knownFields.set(metatype, fields);
    }
    return fields;
  }
}

function refuseUnknown(value: unknown, known: Set<string>): void {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw validationFailed([{ path: '', message: 'the body must be a JSON object' }]);
  }
  const unknown: FieldError[] = [];
  for (const path of Object.keys(value as object)) {
    if (known.has(path)) continue;
    unknown.push({ path, message: UNKNOWN_FIELD });
    if (unknown.length === MAX_FIELD_ERRORS) break;
  }
  if (unknown.length > 0) throw validationFailed(unknown);
}

/** Adds the invalid fields to those found so far, until there are enough for the response. */
function collect(errors: ValidationError[], parent: string, found: FieldError[]): FieldError[] {
  for (const { property, constraints, children } of errors) {
    if (found.length >= MAX_FIELD_ERRORS) break;
    const path = parent ? `${parent}.${property}` : property;
    for (const [constraint, message] of Object.entries(constraints ?? {})) {
      const isUnknown = constraint === 'whitelistValidation';
      found.push({ path, message: isUnknown ? UNKNOWN_FIELD : withoutName(message, property) });
    }
    collect(children ?? [], path, found);
  }
  return found;
}

/** class-validator starts its messages with the property name, which the path already contains. */
function withoutName(message: string, property: string): string {
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}
