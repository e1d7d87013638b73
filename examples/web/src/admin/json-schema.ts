import type { JsonObject, JsonValue } from '../api/types.ts';

/** The part of JSON Schema that forms are made from. */
export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: JsonValue[];
  anyOf?: JsonSchema[];
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
}

export type Control = 'text' | 'long-text' | 'choice' | 'number' | 'flag' | 'group' | 'json';

const LONG = 1_000;

/** Follows a reference, and leaves out `null`. */
export function resolveSchema(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const name = schema.$ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
  const target = name === undefined ? undefined : root.$defs?.[name];
  if (target) return resolveSchema({ ...target, ...schema, $ref: undefined }, root);
  const others = schema.anyOf?.filter(({ type }) => type !== 'null');
  const [only] = others ?? [];
  return only && others?.length === 1
    ? resolveSchema({ ...only, description: schema.description }, root)
    : schema;
}

/** What edits a value. Lists and maps are edited as JSON. */
export function controlOf(schema: JsonSchema): Control {
  const [type, other] = [schema.type].flat().filter((name) => name !== 'null');
  if (other !== undefined) return 'json';
  if (schema.enum) return 'choice';
  if (type === 'string') return (schema.maxLength ?? 0) > LONG ? 'long-text' : 'text';
  if (type === 'number' || type === 'integer') return 'number';
  if (type === 'boolean') return 'flag';
  return type === 'object' && schema.properties ? 'group' : 'json';
}

/** `maxOutputTokens` → `Max output tokens` */
export function labelOf(name: string): string {
  if (name === 'openai') return 'OpenAI';
  const words = name.replaceAll('_', ' ').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

/** The object with one more, or one fewer, value. */
export function withValue(object: JsonObject, name: string, value: JsonValue | undefined): JsonObject {
  const { [name]: _former, ...others } = object;
  if (value === undefined) return others;
  return name in object ? { ...object, [name]: value } : { ...others, [name]: value };
}
