import type { FastifyRequest } from 'fastify';
import { type FieldError, invalidField, validationFailed } from '../../common/errors/app-error.js';

type Fields = Record<string, unknown>;

/** The data to store, and the version that it is based on. */
export interface ConfigChange {
  configData: unknown;
  expectedVersion?: number;
}

/**
 * Parses `{configData, version?}` and `If-Match`. It does not use a DTO class, because `configData` must not be
 * changed.
 *
 * @throws AppError 400 naming each invalid field
 */
export function parseChange(request: FastifyRequest): ConfigChange {
  const fields = parseFields(request.body, ['configData', 'version']);
  const version = fields['version'] === undefined ? undefined : parseVersion(fields['version']);
  const matched = expectedVersionOf(request);
  if (!('configData' in fields)) throw invalidField('configData', 'is required');
  if (version !== undefined && matched !== undefined && version !== matched)
    throw invalidField('version', 'is not the version in the header If-Match');
  return { configData: fields['configData'], expectedVersion: version ?? matched };
}

/** @throws AppError 400 if the body is not `{version}` */
export function parseRollback(body: unknown): number {
  return parseVersion(parseFields(body, ['version'])['version']);
}

/**
 * The version of `If-Match: "3"`, or undefined if the header is absent.
 *
 * @throws AppError 400 if it is not a valid entity tag
 */
export function expectedVersionOf({ headers }: FastifyRequest): number | undefined {
  const value = headers['if-match']?.trim();
  if (value === undefined || value === '*') return undefined;
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(value)?.[1];
  if (version === undefined) throw invalidField('headers.if-match', 'must be a version, such as "3"');
  return Number(version);
}

function parseFields(body: unknown, known: string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidField('', 'the body must be a JSON object');
  const errors: FieldError[] = Object.keys(body)
    .filter((name) => !known.includes(name))
    .map((path) => ({ path, message: 'is not a known field' }));
  if (errors.length > 0) throw validationFailed(errors);
  return body as Fields;
}

function parseVersion(value: unknown): number {
  if (value === undefined) throw invalidField('version', 'is required');
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 1_000_000_000)
    throw invalidField('version', 'must be a version: a positive integer');
  return value as number;
}
