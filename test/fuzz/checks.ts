import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { OpenApiDocument, Operation, Schema } from '../support/openapi-document.js';
import { MAX_ANSWER, type WireAnswer, type WireRequest } from './send.js';
import { SECRETS } from './target.js';

/** Internals that an error could reveal: stacks, files, statements, class names. */
const INSIDE =
  /node_modules|\bat \S+ \(|\.[jt]s:\d+|dist\/src|\/(?:home|root|usr|var|tmp|work|app)\/\w|\bviolates\b|syntax error at or near|invalid input (?:syntax|value)|duplicate key value|relation "|column "|operator does not exist|QueryFailedError|TypeError|RangeError|SyntaxError|Cannot read propert|is not a function|ECONN[A-Z]+|ENOENT/;

/** A URL or headers that no route accepts. Such a request reaches no operation that could document the response. */
const BEFORE_ROUTING = new Set([414, 417, 431]);
const NO_CONTENT = new Set([204, 304]);

/** Checks responses against openapi.json, and against rules for all responses. */
export class AnswerChecks {
  private readonly ajv: Ajv2020;
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
    // The package is CommonJS: its function is a property of what an ES module imports.
    ajvFormats.default(this.ajv);
    this.ajv.addSchema({ $id: 'openapi', components: { schemas: closed(document.schemas) } });
  }

  /** The problems of a response, one line each. Empty if there are none. */
  check(operation: Operation, request: WireRequest, answer: WireAnswer): string[] {
    const { status, headers, text, bytes } = answer;
    const documented = operation.responses[String(status)];
    if (bytes > MAX_ANSWER) return [`the answer has ${bytes} bytes`];
    const found: string[] = [];
    if (!documented && !BEFORE_ROUTING.has(status)) found.push(`status ${status} is not documented`);
    if (status >= 500) {
      const isBusy = status === 503 && documented !== undefined && /^\d+$/.test(headers['retry-after'] ?? '');
      if (!isBusy) found.push(`server error ${status}`);
    }
    if (!headers['x-request-id']) found.push('there is no x-request-id');
    if (status >= 400) found.push(...problemFaults(answer));
    else if (documented) found.push(...this.bodyFaults(operation, answer));
    if (NO_CONTENT.has(status) && text !== '') found.push('there is a body where none belongs');
    return [...found, ...leaks(request, answer)];
  }

  private bodyFaults({ id, responses }: Operation, { status, headers, text }: WireAnswer): string[] {
    const contents = responses[String(status)]?.content;
    if (!contents) return text === '' ? [] : ['there is a body, and none is documented'];
    const type = headers['content-type']?.split(';')[0] ?? 'none';
    const content = contents[type];
    if (!content) return [`content type ${type} is not documented`];
    if (type !== 'application/json') return [];
    const body = parse(text);
    if (body === undefined) return ['the body is not JSON'];
    const validate = this.validator(`${id} ${status}`, content.schema ?? {});
    if (validate(body)) return [];
    const [error] = validate.errors ?? [];
    return [
      `the body is not as documented: ${error?.instancePath ?? ''} ${error?.message ?? ''} ${JSON.stringify(error?.params ?? {})}`,
    ];
  }

  private validator(key: string, schema: Schema): ValidateFunction {
    const known = this.validators.get(key);
    if (known) return known;
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"openapi#/components/');
    const validate = this.ajv.compile(JSON.parse(text) as object);
    this.validators.set(key, validate);
    return validate;
  }
}

function problemFaults({ status, headers, text }: WireAnswer): string[] {
  if (headers['content-type']?.split(';')[0] !== 'application/problem+json')
    return [`the problem has the content type ${headers['content-type'] ?? 'none'}`];
  const problem = parse(text) as Record<string, unknown> | undefined;
  if (typeof problem !== 'object') return ['the problem is not JSON'];
  const faults: string[] = [];
  for (const name of ['type', 'title', 'detail', 'code', 'requestId'])
    if (typeof problem[name] !== 'string' || problem[name] === '') faults.push(`the problem has no ${name}`);
  if (problem['status'] !== status) faults.push(`the problem says status ${String(problem['status'])}`);
  if (problem['requestId'] !== headers['x-request-id']) faults.push('the problem names another request');
  const { errors } = problem;
  if (errors !== undefined) {
    const isList =
      Array.isArray(errors) &&
      errors.every(
        ({ path, message }: Record<string, unknown>) =>
          typeof path === 'string' && typeof message === 'string',
      );
    if (!isList) faults.push('the errors of the problem have another form');
    else if (errors.length > 100) faults.push(`the problem has ${errors.length} errors`);
  }
  return faults;
}

/** A response may echo the request. It must not contain secrets that the caller cannot know. */
function leaks(
  { path, headers: sent, body = '' }: WireRequest,
  { status, headers, text }: WireAnswer,
): string[] {
  const all = `${JSON.stringify(headers)} ${text}`;
  const secrets = Object.entries(SECRETS)
    .filter(([, value]) => all.includes(value))
    .map(([name]) => `the answer shows ${name}`);
  if (status < 400) return secrets;
  const inside = INSIDE.exec(text)?.[0];
  const isEcho = inside !== undefined && `${decode(path)} ${JSON.stringify(sent)} ${body}`.includes(inside);
  return inside === undefined || isEcho ? secrets : [...secrets, `the answer shows the inside: ${inside}`];
}

/** Objects with known fields have no others, unless the document says so. */
function closed<T>(node: T): T {
  if (Array.isArray(node)) return node.map((item: unknown) => closed(item)) as T;
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, closed(value as unknown)]),
  );
  const isOpen = 'additionalProperties' in copy || 'allOf' in copy || 'oneOf' in copy || 'anyOf' in copy;
  if (copy['type'] === 'object' && typeof copy['properties'] === 'object' && !isOpen)
    copy['additionalProperties'] = false;
  return copy as T;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
