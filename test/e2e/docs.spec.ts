import { readFileSync } from 'node:fs';
import { startTestApp, type TestApp } from '../support/app.js';

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  example?: unknown;
  examples?: unknown;
  enum?: unknown[];
  description?: string;
  format?: string;
}

interface Operation {
  summary?: string;
  tags?: string[];
  security?: object[];
  parameters?: Array<{ name: string; in: string; description?: string; schema?: Schema }>;
  requestBody?: { content: Record<string, { schema?: Schema; example?: unknown; examples?: object }> };
  responses: Record<
    string,
    {
      description: string;
      headers?: object;
      content?: Record<string, { schema?: Schema; example?: unknown; examples?: object }>;
    }
  >;
}

interface OpenApi {
  openapi: string;
  tags: Array<{ name: string; description?: string }>;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, { scheme: string }> };
}

const PUBLIC = ['/health/live', '/health/ready', '/metrics'];

const committed = JSON.parse(readFileSync('openapi.json', 'utf8')) as OpenApi;
const operations = Object.entries(committed.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    path,
    operation,
  })),
);
const protectedOperations = operations.filter(({ path }) => !PUBLIC.includes(path));

describe('the documentation', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ DEMO_MODEL: 'true' });
  });

  afterAll(() => app.close());

  it('is public, and equals the committed file', async () => {
    const page = await app.request('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const document = await app.request('GET', '/docs/openapi.json');
    expect(document.status).toBe(200);
    expect(document.body).toEqual(committed);
    expect(committed.openapi).toBe('3.1.0');
    expect(committed.components.securitySchemes['bearer']?.scheme).toBe('bearer');
  });

  it('loads its own scripts under its content security policy', async () => {
    const page = await app.request('GET', '/docs');
    const scripts = [...page.text.matchAll(/<script[^>]*src="([^"]+)"/g)].map(([, source]) => source ?? '');
    expect(scripts.length).toBeGreaterThan(0);
    expect(page.text).not.toMatch(/<script>[^<]/);
    for (const source of scripts) {
      const script = await app.request('GET', new URL(source, `${app.url}/docs`).pathname);
      expect([source, script.status]).toEqual([source, 200]);
    }
  });

  it.each(operations)('describes $name', ({ operation }) => {
    expect(operation.summary).toBeTruthy();
    expect(operation.tags).toHaveLength(1);
    for (const parameter of operation.parameters ?? []) {
      expect([parameter.name, Boolean(parameter.description)]).toEqual([parameter.name, true]);
    }
    for (const [status, response] of Object.entries(operation.responses)) {
      expect([status, Boolean(response.description)]).toEqual([status, true]);
      expect([status, Object.keys(response.headers ?? {})]).toEqual([
        status,
        expect.arrayContaining(['x-request-id']),
      ]);
      if (Number(status) >= 400) {
        expect(Object.keys(response.content ?? {})).toEqual(['application/problem+json']);
      }
    }
  });

  it.each(operations)('documents the responses of the HTTP layer at $name', ({ method, operation }) => {
    const refusals = ['400', '429', '500', '503'];
    const bodyRefusals = ['post', 'put', 'patch'].includes(method) ? ['408', '413', '415'] : [];
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining([...refusals, ...bodyRefusals]));
  });

  it.each(operations)('has an example of the response and the request of $name', ({ operation }) => {
    const contents = [
      ...Object.values(operation.requestBody?.content ?? {}),
      ...Object.values(operation.responses).flatMap(({ content }) => Object.values(content ?? {})),
    ];
    for (const content of contents) {
      const shown = content.example !== undefined || content.examples !== undefined;
      expect(shown ? [] : missingExamples(content.schema)).toEqual([]);
    }
  });

  it.each(protectedOperations)('requires a token at $name', async ({ method, path, operation }) => {
    expect(operation.security).toEqual([{ bearer: [] }]);
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '403', '429', '500']));
    const response = await app.request(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'some-id'), {
      body: ['post', 'put', 'patch'].includes(method) ? {} : undefined,
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.body.code).toBe('unauthenticated');
  });

  it('has its sections in the order of a day, each with a description', () => {
    const names = committed.tags.map(({ name }) => name);
    const day = 'Chat Messages Documents Suggestions Files GitHub Models Usage Limits Account'.split(' ');
    expect(names.slice(0, day.length)).toEqual(day);
    const rest = names.slice(day.length);
    expect(rest.filter((name) => !name.startsWith('Admin: '))).toEqual(['System']);
    expect(rest.at(-1)).toBe('System');
    expect(committed.tags.filter(({ description }) => !description)).toEqual([]);
    // Every section has operations, and every operation is in a section.
    expect(new Set(operations.flatMap(({ operation }) => operation.tags ?? []))).toEqual(new Set(names));
  });

  it('has no Markdown where the page shows plain text', () => {
    const plain = [
      ...operations.map(({ operation }) => operation.summary ?? ''),
      ...committed.tags.map(({ name }) => name),
    ];
    expect(plain.filter((text) => /[`*_]|\]\(/.test(text))).toEqual([]);
  });

  it('is where the root leads', async () => {
    const root = await fetch(`${app.url}/`);
    expect([root.status, new URL(root.url).pathname, root.redirected]).toEqual([200, '/docs', true]);
    expect((await app.request('GET', '/elsewhere')).status).toBe(404);
  });

  it('has every route of the server', () => {
    const routes = app.app.getHttpAdapter().getInstance();
    const printed = routes.printRoutes({ commonPrefix: false });
    const documented = operations.map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
    const served = [...printed.matchAll(/(\/\S*) \(/g)].map(([, path]) => path ?? '');
    expect(served.length).toBeGreaterThan(0);
    for (const path of served.filter((path) => path.startsWith('/api/'))) {
      expect(documented.some((known) => known === path || known.endsWith(path))).toBe(true);
    }
  });
});

/** The properties of a schema, at any depth, that have no example. */
function missingExamples(schema: Schema | undefined, path = '', seen: string[] = []): string[] {
  if (!schema) return [];
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return seen.includes(name)
      ? []
      : missingExamples(committed.components.schemas[name], `${path}${name}`, [...seen, name]);
  }
  if (schema.example !== undefined || schema.examples !== undefined || schema.enum || schema.format)
    return [];
  if (schema.items) return missingExamples(schema.items, `${path}[]`, seen);
  if (schema.properties) {
    return Object.entries(schema.properties).flatMap(([name, property]) =>
      missingExamples(property, `${path}.${name}`, seen),
    );
  }
  return schema.type === 'boolean' || schema.type === 'null' ? [] : [path];
}
