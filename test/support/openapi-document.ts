import { readFileSync } from 'node:fs';

/** The parts of a JSON Schema that tests read. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  nullable?: boolean;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  [keyword: string]: unknown;
}

export interface Parameter {
  in: 'path' | 'query' | 'header';
  name: string;
  required?: boolean;
  schema: Schema;
}

export interface Content {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface DocumentedResponse {
  content?: Record<string, Content>;
  headers?: Record<string, unknown>;
}

export interface Operation {
  /** For example `Chats_read`. */
  id: string;
  /** In upper case. */
  method: string;
  /** With its parameters in braces, as in the document. */
  path: string;
  isPublic: boolean;
  parameters: Parameter[];
  /** By media type. */
  body: Record<string, Content>;
  responses: Record<string, DocumentedResponse>;
}

export interface OpenApiDocument {
  operations: Operation[];
  schemas: Record<string, Schema>;
  /** Follows `$ref`. */
  resolve(schema: Schema): Schema;
}

interface RawOperation {
  operationId: string;
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, DocumentedResponse>;
}

/** The committed `openapi.json`. */
export function readOpenApiDocument(): OpenApiDocument {
  const file = new URL('../../openapi.json', import.meta.url);
  const { paths, components } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, RawOperation>>;
    components: { schemas: Record<string, Schema> };
  };
  const { schemas } = components;
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref === undefined) return schema;
    const found = schemas[schema.$ref.split('/').at(-1) ?? ''];
    if (!found) throw new Error(`${schema.$ref} is not in openapi.json.`);
    return resolve(found);
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => ({
      id: raw.operationId,
      method: method.toUpperCase(),
      path,
      isPublic: (raw.security ?? []).length === 0,
      parameters: raw.parameters ?? [],
      body: raw.requestBody?.content ?? {},
      responses: raw.responses,
    })),
  );
  return { operations, schemas, resolve };
}

/** A valid body, made from the schema's examples: required fields, and fields with an example. */
export function exampleOf(document: OpenApiDocument, schema: Schema): unknown {
  const resolved = document.resolve(schema);
  if (resolved.example !== undefined) return resolved.example;
  const choice = resolved.oneOf?.[0] ?? resolved.anyOf?.[0];
  if (choice) return exampleOf(document, choice);
  if (resolved.enum) return resolved.enum[0];
  if (resolved.default !== undefined) return resolved.default;
  if (resolved.items) return [exampleOf(document, resolved.items)];
  if (resolved.properties) {
    return Object.fromEntries(
      Object.entries(resolved.properties)
        .filter(([name, property]) => resolved.required?.includes(name) || property.example !== undefined)
        .map(([name, property]) => [name, exampleOf(document, property)]),
    );
  }
  return resolved.type === 'boolean' ? true : resolved.type === 'integer' ? 1 : 'example';
}
