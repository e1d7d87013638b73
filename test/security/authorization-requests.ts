import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import { exampleOf, type OpenApiDocument, type Operation, type Schema } from '../support/openapi-document.js';
import {
  ABOUT_RUNNING_ANSWERS,
  ID_RULES,
  type IdRule,
  READ_OF_PUBLIC_CHATS,
  ruleFor,
  SAMPLE_BODIES,
  SAMPLE_PATH,
} from './authorization-facts.js';
import { type ChatKind, idIn, type World } from './authorization-world.js';

/** A parameter that refers to a user's resource. */
export interface IdParameter extends IdRule {
  required: boolean;
}

/** A call with another user's ids in some places, and the expected result. */
export interface HostileCase {
  label: string;
  /** By parameter name. */
  ids: Record<string, string>;
  /** The same with ids that do not exist. */
  unknownIds: Record<string, string>;
  expected: Expectation;
}

/**
 * - `not-found`: 404, the same as for an unknown id.
 * - `not-found-there`: 404 in a chat that the caller may read.
 * - `like-unknown`: no error, and the same as for an unknown id.
 * - `readable`: the caller may see it.
 * - `no-access`: 404, or a new resource of the caller.
 */
export type Expectation = 'not-found' | 'not-found-there' | 'like-unknown' | 'readable' | 'no-access';

export interface CallRequest {
  method: string;
  path: string;
  body?: unknown;
  headers: Record<string, string>;
}

/** @throws Error saying what to add, for a parameter that no rule is about */
export function idParametersOf(document: OpenApiDocument, operation: Operation): IdParameter[] {
  const found: IdParameter[] = [];
  const consider = (place: IdRule['in'], name: string, required: boolean) => {
    const rule = ruleFor(operation, place, name);
    if (rule.names !== 'text') found.push({ ...rule, required });
  };
  for (const { in: place, name, required, schema } of operation.parameters) {
    if (place !== 'header' && isFreeText(schema)) consider(place, name, required ?? false);
  }
  for (const { schema } of Object.values(operation.body).slice(0, 1)) {
    for (const { name, required } of textFieldsOf(document, operation, schema ?? {}, '', true))
      consider('body', name, required);
  }
  return found.filter(
    ({ name, in: place }, index) =>
      found.findIndex((other) => other.name === name && other.in === place) === index,
  );
}

function isFreeText({ type, enum: values, format }: Schema): boolean {
  return type === 'string' && values === undefined && format !== 'date-time';
}

/** The texts in a body, by their dotted names. A rule for an object or array applies to everything in it. */
function textFieldsOf(
  document: OpenApiDocument,
  operation: Operation,
  schema: Schema,
  name: string,
  required: boolean,
): Array<{ name: string; required: boolean }> {
  const { oneOf, anyOf, properties, items, required: names, ...rest } = document.resolve(schema);
  const hasRule = ID_RULES.some(
    (rule) => rule.in === 'body' && rule.name === name && operation.path.startsWith(rule.below ?? '/'),
  );
  if (hasRule || isFreeText(rest)) return [{ name, required }];
  return [
    ...[...(oneOf ?? []), ...(anyOf ?? [])].flatMap((choice) =>
      textFieldsOf(document, operation, choice, name, required),
    ),
    ...(items ? textFieldsOf(document, operation, items, name, false) : []),
    ...Object.entries(properties ?? {}).flatMap(([key, property]) => {
      const isRequired = required && (names?.includes(key) ?? false);
      return textFieldsOf(document, operation, property, name === '' ? key : `${name}.${key}`, isRequired);
    }),
  ];
}

/** A call that is valid except for its ids. */
export function buildRequest(
  document: OpenApiDocument,
  operation: Operation,
  world: World,
  ids: Record<string, string>,
  parameters: IdParameter[],
): CallRequest {
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let path = operation.path;
  for (const { in: place, name, required, schema } of operation.parameters) {
    const value = ids[name] ?? SAMPLE_PATH[`${operation.id}.${name}`] ?? SAMPLE_PATH[name];
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value ?? ''));
    else if (name === 'x-github-token') headers[name] = GITHUB_TOKEN;
    else if (place === 'query' && ids[name] !== undefined) query.set(name, ids[name]);
    else if (required) query.set(name, String(exampleOf(document, schema)));
  }
  const content = operation.body['application/json'];
  const base =
    SAMPLE_BODIES[operation.id]?.(world) ?? (content?.schema && exampleOf(document, content.schema));
  let body = base;
  for (const { in: place, name, with: fields } of parameters) {
    if (place !== 'body' || ids[name] === undefined) continue;
    body = { ...(body as object), ...fields };
    setField(body as Record<string, unknown>, name, ids[name]);
  }
  const suffix = query.size > 0 ? `?${query.toString()}` : '';
  return { method: operation.method, path: `${path}${suffix}`, body: content && body, headers };
}

function setField(body: Record<string, unknown>, name: string, value: unknown): void {
  const keys = name.split('.');
  const last = keys.pop() ?? '';
  let place = body;
  for (const key of keys) place = place[key] = { ...(place[key] as object) };
  place[last] = value;
}

/** The ids of a user's own valid call. */
export function ownIds(parameters: IdParameter[], world: World): Record<string, string> {
  return Object.fromEntries(
    parameters
      .filter(({ required, as }) => required && as !== 'claim')
      .map(({ name, names }) => [name, idIn(world, names as Exclude<typeof names, 'text'>)]),
  );
}

/** Each id separately, and all required ones together, for each kind of chat if they belong to a chat. */
export function hostileCases(
  operation: Operation,
  parameters: IdParameter[],
  owner: World,
  own: World,
): HostileCase[] {
  const kinds: ChatKind[] = parameters.some(({ names }) => names === 'chat' || names === 'message')
    ? ['private', 'public', 'running']
    : ['private'];
  const chat = parameters.find(({ names, as }) => names === 'chat' && as !== 'filter');
  const needed = parameters.filter(({ required, as }) => required && as !== 'claim');
  const groups = [
    ...parameters.map((parameter) => [parameter]),
    ...(needed.length > 1 ? [needed] : []),
    // A message id in a body is looked up in the chat of the body.
    ...(chat?.in === 'body'
      ? parameters.filter(({ names }) => names === 'message').map((message) => [chat, message])
      : []),
  ];
  return groups.flatMap((group) =>
    kinds.map((kind): HostileCase => {
      const others = ownIds(parameters, own);
      if (chat?.in === 'body' && group.some(({ names }) => names === 'message'))
        others[chat.name] = idIn(own, 'chat');
      const ids = { ...others };
      const unknownIds = { ...others };
      for (const { name, names } of group) {
        ids[name] = idIn(owner, names as Exclude<typeof names, 'text'>, kind);
        unknownIds[name] = own.fresh();
      }
      const label = `${group.map(({ name }) => name).join(' and ')} of the owner's ${kind} things`;
      return { label, ids, unknownIds, expected: expectedOf(operation, group, needed, kind) };
    }),
  );
}

function expectedOf(
  { id }: Operation,
  group: IdParameter[],
  needed: IdParameter[],
  kind: ChatKind,
): Expectation {
  if (group.every(({ as }) => as === 'claim')) return 'no-access';
  if (group.some(({ as }) => as === 'filter') || ABOUT_RUNNING_ANSWERS.has(id)) return 'like-unknown';
  const isWhole = needed.every((parameter) => group.includes(parameter));
  if (kind !== 'public' || !READ_OF_PUBLIC_CHATS.has(id)) return 'not-found';
  if (isWhole) return 'readable';
  return group.some(({ names }) => names === 'chat') ? 'not-found-there' : 'not-found';
}
