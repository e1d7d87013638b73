import type { z } from 'zod';
import { type FieldError, validationFailed } from '../../common/errors/app-error.js';
import { CONFIG_SCHEMAS, type ConfigData, type ConfigKey } from './config-schemas.js';

const ROOT = 'configData';

const TYPES: Record<string, string> = {
  array: 'an array',
  boolean: 'true or false',
  int: 'an integer',
  number: 'a number',
  object: 'an object',
  string: 'a string',
};

/**
 * Parses `configData` with the schema of its key.
 *
 * @throws AppError 400 naming every invalid path, such as `configData.models.0.id`
 */
export function parseConfigData<Key extends ConfigKey>(key: Key, configData: unknown): ConfigData[Key] {
  const result = CONFIG_SCHEMAS[key].safeParse(configData, { error: messageOf });
  if (result.success) return result.data;
  throw validationFailed(ofRightType(result.error.issues).flatMap(fieldErrors), result.error);
}

/** Zod also checks the length of a string where it expects an array. */
function ofRightType(issues: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const pathOf = ({ path }: z.core.$ZodIssue) => JSON.stringify(path);
  const wrong = new Set(issues.filter(({ code }) => code === 'invalid_type').map(pathOf));
  return issues.filter((issue) => issue.code === 'invalid_type' || !wrong.has(pathOf(issue)));
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = [ROOT, ...issue.path].join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => ({ path: `${path}.${name}`, message: 'is not a known field' }));
  return [{ path, message: issue.message }];
}

/** The message after the path. Messages of the schema itself take precedence. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `must ${limit(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return issue.origin === 'array' && issue.maximum === 0
        ? 'must be empty'
        : `must ${limit(issue.origin, 'at most', Number(issue.maximum))}`;
    default:
      return undefined;
  }
}

function limit(origin: string, which: string, value: number): string {
  if (origin === 'array') return `have ${which} ${value} ${value === 1 ? 'item' : 'items'}`;
  if (origin === 'string') return `have ${which} ${value} characters`;
  return `be ${which} ${value}`;
}
