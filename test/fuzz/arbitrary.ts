import fc from 'fast-check';
import type { OpenApiDocument, Schema } from '../support/openapi-document.js';
import { hostileId, hostileNumber, hostileText, hostileTime, hostileValue, wideValue } from './hostile.js';

/** Replaces the id (or time, or cursor) of something that exists when the request is sent. */
export type Placeholder = `§${string}`;

export const RESOURCES = ['chat', 'message', 'document', 'suggestion', 'repository', 'user'] as const;
export type ResourceName = (typeof RESOURCES)[number];

/** The number of each kind. */
export const COPIES = 3;

const MAX_DEPTH = 6;
/** No generated text is longer, except for the hostile ones. */
const MAX_TEXT = 300;

/** Values of a schema, sometimes with something that it does not allow. */
export class SchemaArbitraries {
  private readonly document: OpenApiDocument;

  constructor(document: OpenApiDocument) {
    this.document = document;
  }

  /**
   * @param name of the parameter or property, which determines what an id refers to
   * @param path of the operation, for the same reason
   */
  nearly(schema: Schema, name: string, path: string, depth = 0): fc.Arbitrary<unknown> {
    const value = this.valid(schema, name, path, depth);
    return fc.oneof(
      { weight: 24, arbitrary: value },
      { weight: 1, arbitrary: hostileFor(this.document.resolve(schema)) },
      { weight: 1, arbitrary: hostileValue },
    );
  }

  private valid(schema: Schema, name: string, path: string, depth: number): fc.Arbitrary<unknown> {
    const resolved = this.document.resolve(schema);
    const { type, enum: values, oneOf, anyOf, example } = resolved;
    if (depth > MAX_DEPTH) return fc.constant(null);
    if (resolved.const !== undefined) return fc.constant(resolved.const);
    if (values) return fc.constantFrom(...values);
    const choices = oneOf ?? anyOf;
    if (choices) return fc.oneof(...choices.map((choice) => this.valid(choice, name, path, depth)));
    if (Array.isArray(type))
      return fc.oneof(...type.map((one) => this.valid({ ...resolved, type: one }, name, path, depth)));
    switch (type) {
      case 'string':
        return textOf(resolved, name, path);
      case 'integer':
      case 'number':
        return numberOf(resolved);
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(this.nearly(resolved.items ?? {}, name, path, depth + 1), {
          minLength: Math.min(resolved.minItems ?? 0, 3),
          maxLength: Math.min(resolved.maxItems ?? 4, 4),
        });
      case 'object':
        return this.objectOf(resolved, path, depth);
      default:
        return example === undefined ? fc.jsonValue({ maxDepth: 2 }) : fc.constant(example);
    }
  }

  /** Sometimes without a required field, sometimes with an unknown one. */
  private objectOf(schema: Schema, path: string, depth: number): fc.Arbitrary<unknown> {
    const { properties = {}, required = [], example } = schema;
    const fields = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        this.nearly(property, name, path, depth + 1),
      ]),
    );
    const complete = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
    const partial = fc.record(fields, { requiredKeys: [] });
    const extra = fc.dictionary(
      fc.oneof(hostileText, fc.constantFrom('userId', 'role', 'id')),
      hostileValue,
      {
        minKeys: 1,
        maxKeys: 3,
      },
    );
    const open = schema.additionalProperties === true ? 200 : 0;
    return fc.oneof(
      { weight: 600, arbitrary: complete },
      { weight: 50, arbitrary: partial },
      { weight: 50, arbitrary: fc.tuple(complete, extra).map(([object, more]) => ({ ...object, ...more })) },
      { weight: example === undefined ? 0 : 200, arbitrary: fc.constant(example) },
      { weight: open, arbitrary: fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 3 })) },
      { weight: depth === 0 ? 2 : 1, arbitrary: wideValue },
    );
  }
}

function hostileFor({ type, format }: Schema): fc.Arbitrary<unknown> {
  if (format === 'date-time') return hostileTime;
  if (type === 'integer' || type === 'number') return hostileNumber;
  return type === 'string' ? hostileText : hostileValue;
}

function textOf(schema: Schema, name: string, path: string): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = MAX_TEXT, example } = schema;
  const shown = typeof example === 'string' ? [{ weight: 10, arbitrary: fc.constant(example) }] : [];
  if (format === 'date-time' || /^(?:from|to|version|after|baseVersion)$/.test(name)) {
    const time = fc
      .date({ noInvalidDate: true, min: new Date('1990-01-01'), max: new Date('2060-01-01') })
      .map((date) => date.toISOString());
    const placeholder = fc.constantFrom<string>(
      ...(name === 'from' ? ['§message.0', '§version.0'] : ['§version.0']),
    );
    return fc.oneof(...shown, { weight: 30, arbitrary: time }, { weight: 50, arbitrary: placeholder });
  }
  if (name === 'cursor') return fc.oneof(fc.constant('§cursor'), fc.base64String({ maxLength: 80 }));
  const isId = format === 'uuid' || /(?:^id|Id|^actor)$/.test(name);
  if (isId) {
    const likely = likelyResource(name, path);
    return fc.oneof(
      { weight: 8, arbitrary: placeholderOf(fc.constant(likely)) },
      { weight: 1, arbitrary: placeholderOf(fc.constantFrom(...RESOURCES)) },
      { weight: 1, arbitrary: fc.uuid() },
      { weight: 1, arbitrary: hostileId },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }) },
    );
  }
  if (pattern !== undefined) return matching(pattern, schema);
  const length = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, MAX_TEXT)) };
  return fc.oneof(
    ...shown,
    {
      weight: 30,
      arbitrary: fc.string({ ...length, maxLength: Math.max(minLength, Math.min(length.maxLength, 20)) }),
    },
    { weight: 10, arbitrary: fc.string({ ...length, unit: 'grapheme' }) },
    // The maximum length.
    { weight: 3, arbitrary: fc.constant('y'.repeat(Math.min(maxLength, 100_000))) },
  );
}

function matching(pattern: string, { example }: Schema): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern), { maxLength: 60 });
  } catch {
    return fc.constant(typeof example === 'string' ? example : 'text');
  }
}

function numberOf({ type, minimum = -1_000, maximum = 1_000_000, example }: Schema): fc.Arbitrary<number> {
  const shown = typeof example === 'number' ? [fc.constant(example)] : [];
  const any =
    type === 'integer'
      ? fc.integer({ min: minimum, max: maximum })
      : fc.double({ min: minimum, max: maximum, noNaN: true });
  return fc.oneof(...shown, any, fc.constantFrom(minimum, maximum));
}

function placeholderOf(resource: fc.Arbitrary<ResourceName>): fc.Arbitrary<Placeholder> {
  return fc
    .tuple(resource, fc.nat({ max: COPIES - 1 }))
    .map(([name, index]): Placeholder => `§${name}.${index}`);
}

function likelyResource(name: string, path: string): ResourceName {
  const named = RESOURCES.find((resource) => name === `${resource}Id`);
  if (named) return named;
  if (name === 'actor' || path.startsWith('/api/admin/users')) return 'user';
  if (path.startsWith('/api/documents')) return 'document';
  if (path.startsWith('/api/suggestions')) return 'suggestion';
  return path.startsWith('/api/github') ? 'repository' : 'chat';
}

/** A value with one part of it replaced by another or removed. */
export function spoiled(value: unknown): fc.Arbitrary<unknown> {
  const paths = pathsOf(value);
  return fc
    .tuple(fc.constantFrom(...paths), fc.option(hostileValue, { nil: undefined, freq: 8 }))
    .map(([path, replacement]) => replaceAt(value, path, replacement));
}

function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replaceAt(value: unknown, [key, ...rest]: string[], replacement: unknown): unknown {
  if (key === undefined) return replacement ?? null;
  if (Array.isArray(value))
    return value.map((item: unknown, index) =>
      String(index) === key ? replaceAt(item, rest, replacement) : item,
    );
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: replaceAt(fields[key], rest, replacement) };
}
