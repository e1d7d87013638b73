import { STATUS_CODES } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { describeProblem, REQUEST_ID_HEADER } from './common/errors/api-problems.js';
import { ProblemDto } from './common/errors/problem.dto.js';
import { streamSchemas } from './modules/chat/contract/stream-schemas.js';
import { KEY_HEADERS } from './modules/models/vendors/vendors.js';

const DESCRIPTION = `The open backend for AI chat.

## Get a token

Sign up or sign in with Supabase Auth, for example with supabase-js or curl. \`npm start\` without a database prints these
commands with its own address and publishable key:

\`\`\`sh
curl "$SUPABASE_URL/auth/v1/signup" -H "apikey: $PUBLISHABLE_KEY" -H 'content-type: application/json' \\
  -d '{"email": "you@example.com", "password": "correct-horse"}'
curl "$SUPABASE_URL/auth/v1/token?grant_type=password" -H "apikey: $PUBLISHABLE_KEY" -H 'content-type: application/json' \\
  -d '{"email": "you@example.com", "password": "correct-horse"}'
\`\`\`

Put \`access_token\` of the answer into **Authorize** on this page. With the embedded stack, Authorize also takes an email address and
a password.

## Requests and errors

Send the access token as \`Authorization: Bearer <token>\`. Errors are
\`application/problem+json\` (RFC 9457) with a stable \`code\`. Send your own keys for the model vendors in
${KEY_HEADERS.map((header) => `\`${header}\``).join(', ')}. They are used only for that request and are never stored.

Malformed HTTP requests can also be refused before routing: 414 (a path segment over 2,048 characters), 417
(\`Expect\`) and 431 (headers).`;

/** The sections of the page, in the order in which people need them. */
const TAGS: ReadonlyArray<readonly [name: string, description: string]> = [
  ['Chat', 'Send a message, stream, resume and stop the answer. Find, share, fork, export and delete chats.'],
  ['Messages', 'Read and delete the messages of a chat, and vote on answers.'],
  ['Documents', 'Texts, code, images and sheets next to a chat, with all their versions.'],
  ['Suggestions', 'Proposed edits to a document, to accept or to reject.'],
  ['Files', 'Upload attachments to storage, and read and delete them.'],
  [
    'GitHub',
    'Connect the repositories that the agent `git_mcp` works with. Needs your token in `x-github-token`.',
  ],
  ['Models', 'The models that you can choose, with their prices.'],
  ['Usage', 'Your calls, tokens and costs: sums, charts, rows and a projection.'],
  ['Limits', 'How much of the rate limits of each agent is left.'],
  ['Account', 'Your own user, and a download of all your data.'],
  [
    'Admin: configuration',
    'Agents, models, prompts and limits. Each change is a version. Needs the role `admin`.',
  ],
  ['Admin: users', 'Roles, deactivation and deletion of users. Needs the role `admin`.'],
  ['Admin: chats', 'The chats of all users, without their messages. Needs the role `admin`.'],
  ['Admin: usage', 'The usage of all users. Needs the role `admin`.'],
  ['Admin: audit', 'Changes to the configuration and to users, and their authors. Needs the role `admin`.'],
  ['System', 'Health checks and metrics for operators. Needs no token.'],
];

/** The OpenAPI document of all routes. */
export function createOpenApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Switchboard')
    .setDescription(DESCRIPTION)
    .setVersion('0.1.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setOpenAPIVersion('3.1.0')
    .addServer('/', 'The server that this page comes from.')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'A Supabase access token.',
    });
  for (const [name, description] of TAGS) builder.addTag(name, description);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    extraModels: [ProblemDto],
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  for (const [method, operation] of operationsOf(document)) {
    describeSuccess(operation);
    // Routes without a token say so. A linter cannot tell them from routes that forgot it.
    operation.security ??= [];
    describeRefusals(method, operation);
    operation.parameters?.sort(byPlaceAndName);
  }
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...streamSchemas() },
  };
  return document;
}

interface Parameter {
  in: string;
  name: string;
}

interface Operation {
  parameters?: Parameter[];
  summary?: string;
  security?: object[];
  responses: Record<string, { description?: string; headers?: Record<string, object> }>;
}

function operationsOf({ paths }: OpenAPIObject): Array<[method: string, operation: Operation]> {
  return Object.values(paths).flatMap((item) => Object.entries(item) as Array<[string, Operation]>);
}

const PLACES = ['path', 'query', 'header'];

/** The order of decorators depends on the compiler. */
function byPlaceAndName(a: Parameter, b: Parameter): number {
  return PLACES.indexOf(a.in) - PLACES.indexOf(b.in) || (a.name < b.name ? -1 : 1);
}

/** Completes the documentation of all successful responses. */
function describeSuccess({ responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    if (!status.startsWith('2')) continue;
    response.description ||= STATUS_CODES[status] ?? 'Success';
    response.headers = { 'x-request-id': REQUEST_ID_HEADER, ...response.headers };
  }
}

/** Responses of the HTTP layer before a handler runs: on every route, and on every route that reads a body. */
const REFUSALS = [400, 415, 429, 500, 503];
const BODY_REFUSALS = [408, 413];
const BODY_METHODS = new Set(['post', 'put', 'patch']);

function describeRefusals(method: string, { responses }: Operation): void {
  for (const status of BODY_METHODS.has(method) ? [...REFUSALS, ...BODY_REFUSALS] : REFUSALS) {
    responses[status] ??= describeProblem(status);
  }
}

/** Adds a way to sign in on the page, for a server that has its own accounts. */
function withSignIn(document: OpenAPIObject, tokenUrl: string): OpenAPIObject {
  for (const [, operation] of operationsOf(document)) {
    if (operation.security?.length) operation.security.push({ account: [] });
  }
  const account = {
    type: 'oauth2' as const,
    description: 'Signs in with an email address and a password. Leave the client id and secret empty.',
    flows: { password: { tokenUrl, scopes: {} } },
  };
  const securitySchemes = { ...document.components?.securitySchemes, account };
  return { ...document, components: { ...document.components, securitySchemes } };
}

/**
 * Serves the document at `/docs/openapi.json`, and the page for it at `/docs`.
 *
 * @param tokenUrl of OAuth's password grant, if the server has its own accounts
 * @param hasRoot whether the root leads there
 */
export function setupDocs(
  app: NestFastifyApplication,
  { tokenUrl, hasRoot }: { tokenUrl?: string; hasRoot: boolean },
): void {
  const document = () => {
    const written = createOpenApiDocument(app);
    return tokenUrl === undefined ? written : withSignIn(written, tokenUrl);
  };
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'docs/openapi.json',
    raw: ['json'],
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true },
    customSiteTitle: 'Switchboard API',
  });
  if (!hasRoot) return;
  // A relative address also works behind a proxy that adds a prefix.
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.get('/', (_request, reply) => reply.redirect('docs'));
}
