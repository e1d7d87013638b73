import fc from 'fast-check';
import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import type { Content, OpenApiDocument, Operation } from '../support/openapi-document.js';
import { SchemaArbitraries, spoiled } from './arbitrary.js';
import { BODIES, PATH_VALUES } from './corpus.js';
import { brokenBody, contentTypes, hostileText } from './hostile.js';

export type CallerName = 'user' | 'admin' | 'nobody';

/** A generated request: the same for the same seed. Ids of existing things are filled in when it is sent. */
export interface GeneratedRequest {
  caller: CallerName;
  method: string;
  /** Path parameters in order. Percent-encoded ones are sent unchanged. */
  path: string;
  query: Array<[name: string, value: string]>;
  headers: Array<[name: string, value: string]>;
  /** As text, so that it can be anything. */
  body?: string;
  contentType?: string;
}

/** Requests for one operation: valid, almost valid, and random ones. */
export function requestsFor(document: OpenApiDocument, operation: Operation): fc.Arbitrary<GeneratedRequest> {
  const schemas = new SchemaArbitraries(document);
  const { path, method, parameters } = operation;
  const isAdministrators = path.startsWith('/api/admin/');
  const of = (place: string) => parameters.filter((parameter) => parameter.in === place);

  const caller = fc.oneof(
    { weight: isAdministrators ? 3 : 16, arbitrary: fc.constant<CallerName>('user') },
    { weight: isAdministrators ? 16 : 3, arbitrary: fc.constant<CallerName>('admin') },
    { weight: 1, arbitrary: fc.constant<CallerName>('nobody') },
  );
  const pathValues = fc.tuple(
    ...of('path').map(({ name, schema }) => {
      const any = schemas.nearly(schema, name, path).map(inPath);
      const fitting = PATH_VALUES[name];
      return fitting === undefined ? any : fc.oneof(any, fc.constant(fitting));
    }),
  );
  const query = fc
    .tuple(
      fc.tuple(
        ...of('query').map(({ name, schema, required }) =>
          fc.oneof(
            {
              weight: required ? 9 : 2,
              arbitrary: schemas.nearly(schema, name, path).map((value) => [[name, inQuery(value)]]),
            },
            { weight: required ? 1 : 4, arbitrary: fc.constant<string[][]>([]) },
          ),
        ),
      ),
      oddQuery(of('query').map(({ name }) => name)),
    )
    .map(([known, odd]) => [...known.flat(), ...odd] as Array<[string, string]>);
  const headers = fc
    .tuple(fc.tuple(...of('header').map(({ name }) => headerOf(name))), oddHeaders)
    .map(([known, odd]) => [...known.flat(), ...odd]);

  return fc
    .record({ caller, pathValues, query, headers, content: contentOf(schemas, operation) })
    .map(({ caller, pathValues, query, headers, content }) => {
      let index = 0;
      return {
        caller,
        method,
        path: path.replaceAll(/\{\w+\}/g, () => pathValues[index++] ?? ''),
        query,
        headers,
        ...content,
      };
    });
}

/** A value from the schema or a known valid value, unchanged or with an invalid part. */
function bodyOf(
  schemas: SchemaArbitraries,
  { id, path }: Operation,
  { schema, example, examples }: Content,
): fc.Arbitrary<unknown> {
  const generated = schemas.nearly(schema ?? {}, '', path);
  const shown = Object.values(examples ?? {}).map(({ value }) => value);
  const good = [...(BODIES[id] ?? []), ...shown, ...(example === undefined ? [] : [example])];
  if (good.length === 0) return generated;
  const known = fc.constantFrom(...good);
  return fc.oneof(
    { weight: 2, arbitrary: generated },
    { weight: 2, arbitrary: known },
    { weight: 3, arbitrary: known.chain(spoiled) },
  );
}

function contentOf(
  schemas: SchemaArbitraries,
  operation: Operation,
): fc.Arbitrary<Pick<GeneratedRequest, 'body' | 'contentType'>> {
  const contents = Object.entries(operation.body);
  const odd = fc.record({ body: brokenBody, contentType: contentTypes });
  if (contents.length === 0) {
    // A body where none is expected.
    return fc.oneof({ weight: 14, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: odd });
  }
  const valid = fc.oneof(
    ...contents.map(([contentType, content]) =>
      bodyOf(schemas, operation, content).map((value) => ({ body: JSON.stringify(value), contentType })),
    ),
  );
  return fc.oneof(
    { weight: 32, arbitrary: valid },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: fc.record({ body: brokenBody, contentType: fc.constant('application/json') }) },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, contentTypes).map(([content, contentType]) => ({ ...content, contentType })),
    },
    { weight: 1, arbitrary: fc.constant({}) },
  );
}

/** The same parameter twice, an unknown one, and notations that some parsers turn into objects. */
function oddQuery(names: string[]): fc.Arbitrary<string[][]> {
  const name = fc.constantFrom(...names, 'unknown', 'limit', '__proto__', 'constructor');
  const decorated = fc
    .tuple(name, fc.constantFrom('', '[]', '[$gt]', '[__proto__]', '.x'))
    .map(([base, suffix]) => `${base}${suffix}`);
  return fc.oneof(
    { weight: 14, arbitrary: fc.constant<string[][]>([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(decorated, hostileText), { minLength: 1, maxLength: 3 }) },
  );
}

const visible = (text: string) =>
  text
    .replaceAll(/[^\x20-\x7e\xa1-\xff]/g, '')
    .trim()
    .slice(0, 4_000);

function headerOf(name: string): fc.Arbitrary<Array<[string, string]>> {
  const good = name === 'x-github-token' ? GITHUB_TOKEN : name === 'If-Match' ? '"1"' : 'a-key-of-my-own';
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constant<Array<[string, string]>>(name === 'x-github-token' ? [[name, good]] : []),
    },
    { weight: 2, arbitrary: fc.constant<Array<[string, string]>>([[name, good]]) },
    { weight: 1, arbitrary: hostileText.map((text): Array<[string, string]> => [[name, visible(text)]]) },
  );
}

const oddHeaders: fc.Arbitrary<Array<[string, string]>> = fc.oneof(
  { weight: 14, arbitrary: fc.constant<Array<[string, string]>>([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.tuple(
        fc.constantFrom(
          'accept',
          'x-request-id',
          'range',
          'x-http-method-override',
          'content-encoding',
          'cookie',
          'origin',
          'x-forwarded-for',
          'last-event-id',
          'if-none-match',
        ),
        hostileText.map(visible),
      ),
      { minLength: 1, maxLength: 2 },
    ),
  },
);

/** Placeholders stay readable. They are encoded when they are filled in. */
function inPath(value: unknown): string {
  const text = inQuery(value);
  if (isPlaceholder(text)) return text;
  // If it were empty, it would be the path of another operation or of none.
  return text === '' ? '%20' : encode(text);
}

function inQuery(value: unknown): string {
  if (typeof value === 'string') return value;
  return value !== null && typeof value === 'object' ? JSON.stringify(value).slice(0, 3_000) : String(value);
}

export const isPlaceholder = (text: string) => /^§[a-z]+(?:\.\d)?$/.test(text);

/** An unpaired surrogate is sent as the three bytes that careless encoders produce. `%` sometimes stays `%`. */
export function encode(text: string): string {
  if (/^%[0-9a-z]{0,2}/i.test(text)) return text;
  return [...text]
    .map((character) => (character.isWellFormed() ? encodeURIComponent(character) : '%ED%A0%80'))
    .join('');
}
