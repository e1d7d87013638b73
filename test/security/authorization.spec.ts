import { randomUUID } from 'node:crypto';
import { type GithubDouble, startGithubDouble } from '../doubles/github/github-double.js';
import { SearchIndexer } from '../../src/modules/chat/search/search-indexer.js';
import type { TestResponse, TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { giveStorage } from '../support/storage.js';
import { foldUsage } from '../support/usage-rows.js';
import { type Operation, readOpenApiDocument } from '../support/openapi-document.js';
import { isGood, notProblem, registeredRoutes, told } from './authorization-answers.js';
import { administratorToken, type Caller, refusedCallers } from './authorization-callers.js';
import {
  accessOf,
  PUBLIC_OPERATIONS,
  SEEN_BY_ADMINISTRATORS,
  UNDOCUMENTED_ROUTES,
} from './authorization-facts.js';
import {
  buildRequest,
  type CallRequest,
  hostileCases,
  type IdParameter,
  idParametersOf,
  ownIds,
} from './authorization-requests.js';
import {
  CANARIES,
  canariesIn,
  type Fingerprint,
  fingerprintOf,
  PLAIN,
  plantWorld,
  SECRET_FIGURES,
  startRunningChat,
  type World,
} from './authorization-world.js';

/*
 * Every operation of openapi.json, called by every kind of user, with another user's ids in every place that takes one.
 * The expected result follows by rule from authorization-facts.ts. The owner's data is compared after each call.
 */

const document = readOpenApiDocument();
const operations = document.operations.map((operation) => ({
  name: `${operation.method} ${operation.path}`,
  operation,
}));
// Operations without ids run last: a user who deletes all their chats has none left to try with.
const byIds = operations.toSorted(
  (a, b) => Number(!a.operation.path.includes('{')) - Number(!b.operation.path.includes('{')),
);

interface SignedInCaller extends Caller {
  world: World;
}

let app: ChatApp;
let github: GithubDouble;
let owner: World;
let admin: TestUser;
let refused: Caller[];
let inactive: Caller;
let strangers: SignedInCaller[];
let fingerprint: Fingerprint;
let before: string[];

const WORDS_OF_PUBLIC_CHATS = ['public-chat-title', 'public-message-text'];

beforeAll(async () => {
  github = await startGithubDouble();
  github.repositories.push({ owner: 'octo-org', name: 'hello-world' });
  app = await startChatApp({
    GITHUB_API_URL: github.url,
    UPSTREAM_IDLE_TIMEOUT_MS: '600000',
    SHUTDOWN_TIMEOUT_MS: '0',
  });
  await giveStorage(app);
  const person = await app.createUser({ settings: { note: CANARIES.text('user-settings') } });
  owner = await plantWorld(app, person, CANARIES);
  await startRunningChat(app, owner, CANARIES.text('running-text'));
  admin = await app.createUser({ role: 'admin' });
  refused = await refusedCallers(app, person);
  inactive = { name: 'a deactivated user', headers: (await app.createUser({ isActive: false })).headers };
  strangers = await Promise.all([
    signedIn('a stranger', await app.createUser()),
    signedIn('a demoted administrator', await withClaimsOfAdministrator()),
    signedIn('an administrator', admin),
  ]);
  // What the server does by itself every few seconds. Later changes are caused by a call.
  await foldUsage(app.database);
  await app.app.get(SearchIndexer).task.run();
  await eventually(async () => {
    const [{ pending }] = await app.database.query(
      `select (select count(*) from switchboard.usage_pending)::int
            + (select count(*) from switchboard.search_due)::int as pending`,
    );
    return pending === 0;
  });
  fingerprint = await fingerprintOf(app, owner);
  before = await fingerprint();
});
afterAll(async () => {
  app?.double.resume();
  await app?.close();
  await github?.close();
});

async function signedIn(name: string, user: TestUser): Promise<SignedInCaller> {
  return { name, headers: user.headers, world: await plantWorld(app, user, PLAIN) };
}

/** Their token is older: every claim says administrator. Their row does not. */
async function withClaimsOfAdministrator(): Promise<TestUser> {
  const user = await app.createUser();
  return { ...user, headers: { authorization: `Bearer ${await administratorToken(user.id)}` } };
}

const call = ({ method, path, body, headers }: CallRequest, caller: { headers: Record<string, string> }) =>
  app.request(method, path, { body, headers: { ...headers, ...caller.headers } });

/** The rows of the owner's tables that changed. They are then the basis of the next comparison. */
async function changes(): Promise<string[]> {
  const now = await fingerprint();
  const changed = now.filter((line, index) => line !== before[index]).map((line) => line.split(' ')[0] ?? '');
  before = now;
  return changed;
}

/** The owner's texts and figures in a response, except those that this caller may read. */
function leaks({ text, headers }: TestResponse, allowed: string[] = []): string[] {
  const all = `${text} ${JSON.stringify([...headers])}`;
  const figures = SECRET_FIGURES.filter((figure) => all.includes(figure));
  const email = all.includes(owner.user.email) ? ['email'] : [];
  return [...new Set([...canariesIn(all), ...figures, ...email])].filter((found) => !allowed.includes(found));
}

describe('every operation', () => {
  it.each(byIds)('$name refuses unauthenticated and inactive users', async ({ operation }) => {
    const parameters = idParametersOf(document, operation);
    const access = accessOf(operation);
    const requestWith = (ids: Record<string, string>) =>
      buildRequest(document, operation, owner, ids, parameters);
    const known = requestWith(ownIds(parameters, owner));
    const unknown = requestWith(Object.fromEntries(parameters.map(({ name }) => [name, randomUUID()])));
    const head = operation.method === 'GET' ? [{ ...known, method: 'HEAD' }] : [];
    const failures: string[] = [];
    await Promise.all(
      [...refused, inactive].map(async (caller) => {
        const [first, second] = [await call(known, caller), await call(unknown, caller)];
        const [status, code] =
          caller === inactive ? ([403, 'user_inactive'] as const) : ([401, 'unauthenticated'] as const);
        const found =
          access === 'public'
            ? isGood(first)
              ? []
              : [`answered ${first.status}`]
            : [
                ...notProblem(first, status, code),
                ...(told(first) === told(second) ? [] : ['tells an id that exists from one that does not']),
                ...(status === 401 && !first.headers.has('www-authenticate')
                  ? ['does not say WWW-Authenticate']
                  : []),
              ];
        for (const request of access === 'public' ? [] : head) {
          const answer = await call(request, caller);
          if (answer.status !== status) found.push(`HEAD answered ${answer.status}`);
        }
        failures.push(...[...found, ...leaks(first)].map((failure) => `${caller.name}: ${failure}`));
      }),
    );
    expect([...failures, ...(await changes())]).toEqual([]);
  });

  it.each(byIds.filter(({ operation }) => Object.keys(operation.body).length > 0))(
    '$name does not read the body of unauthenticated users',
    async ({ operation }) => {
      const parameters = idParametersOf(document, operation);
      const request = buildRequest(document, operation, owner, ownIds(parameters, owner), parameters);
      const bodies: Array<[body: string, type: string]> = [
        ['{"broken', 'application/json'],
        ['', 'application/json'],
        ['<xml/>', 'application/xml'],
        [`{"title":"${'x'.repeat(20_000)}","unknown":[1,2,3]}`, 'application/json'],
        ['{"__proto__":{"role":"admin"}}', 'application/json'],
      ];
      const answers = await Promise.all(
        bodies.map(([body, type]) =>
          call({ ...request, body, headers: { 'content-type': type } }, { headers: {} }),
        ),
      );
      expect(answers.flatMap((answer) => notProblem(answer, 401, 'unauthenticated'))).toEqual([]);
    },
  );

  it.each(byIds)('$name hides the owner’s data from everyone else', async ({ operation }) => {
    const parameters = idParametersOf(document, operation);
    if (accessOf(operation) === 'public') return;
    const failures: string[] = [];
    for (const caller of strangers) failures.push(...(await trespass(operation, parameters, caller)));
    expect(failures).toEqual([]);
  });

  it.each(byIds)('$name works for authorized users', async ({ operation }) => {
    const parameters = idParametersOf(document, operation);
    const access = accessOf(operation);
    // An administrator of the matrix changes users and the configuration, so the comparison starts again after that.
    const world = await plantWorld(app, await app.createUser(), CANARIES);
    const request = buildRequest(document, operation, world, ownIds(parameters, world), parameters);
    if (operation.id === 'Suggesting_create') answerWithSuggestions();
    const response = await call(request, access === 'administrator' ? admin : world.user);
    expect({ status: response.status, text: isGood(response) ? '' : response.text }).toEqual({
      status: Number(Object.keys(operation.responses).find((status) => status === String(response.status))),
      text: '',
    });
    if (access === 'administrator') {
      const allowed = [...SEEN_BY_ADMINISTRATORS, ...SECRET_FIGURES, 'public-chat-title', 'email'];
      expect(leaks(response, allowed)).toEqual([]);
    }
    before = await fingerprint();
  });
});

/** One user's calls of one operation with the owner's ids. */
async function trespass(
  operation: Operation,
  parameters: IdParameter[],
  { name, headers, world }: SignedInCaller,
): Promise<string[]> {
  const isAdministrator = headers === admin.headers;
  const isForbidden = accessOf(operation) === 'administrator' && !isAdministrator;
  // Another test covers what administrators may do.
  if (accessOf(operation) === 'administrator' && isAdministrator) return [];
  const requestWith = (ids: Record<string, string>) =>
    buildRequest(document, operation, world, ids, parameters);
  const failures: string[] = [];

  const cases = hostileCases(operation, parameters, owner, world);
  for (const { label, ids, unknownIds, expected } of cases) {
    const answer = await call(requestWith(ids), { headers });
    const unknown = await call(requestWith(unknownIds), { headers });
    const found: string[] = [];
    if (isForbidden) found.push(...notProblem(answer, 403, 'forbidden'));
    else if (expected === 'not-found' || expected === 'not-found-there')
      found.push(...notProblem(answer, 404, 'not_found'));
    else if (expected === 'no-access')
      found.push(...(isGood(answer) ? [] : notProblem(answer, 404, 'not_found')));
    else if (!isGood(answer)) found.push(`answered ${answer.status}: ${answer.text}`);
    const isCompared = isForbidden || expected === 'not-found' || expected === 'like-unknown';
    if (isCompared && told(answer) !== told(unknown))
      found.push(`tells it from an unknown id: ${told(answer)} and ${told(unknown)}`);
    found.push(
      ...leaks(answer, expected === 'readable' ? WORDS_OF_PUBLIC_CHATS : []).map((field) => `shows ${field}`),
    );
    found.push(...(await changes()).map((table) => `changes ${table}`));
    failures.push(...found.map((failure) => `${name}, ${label}: ${failure}`));
  }

  if (cases.length === 0) {
    const answer = await call(requestWith({}), { headers });
    const found = isForbidden ? notProblem(answer, 403, 'forbidden') : isGood(answer) ? [] : [answer.text];
    // A fork of the public chat belongs to the caller by now, so lists and exports show it.
    found.push(...leaks(answer, WORDS_OF_PUBLIC_CHATS).map((field) => `shows ${field}`));
    found.push(...(await changes()).map((table) => `changes ${table}`));
    failures.push(...found.map((failure) => `${name}: ${failure}`));
  }
  return failures;
}

function answerWithSuggestions(): void {
  const suggestion = { originalText: 'a day', suggestedText: 'a night', description: 'Darker.' };
  app.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] });
}

describe('the routes of the server', () => {
  it('are all in openapi.json, or known exceptions', () => {
    const documented = new Set(document.operations.map(({ method, path }) => `${method} ${path}`));
    const excepted = Object.keys(UNDOCUMENTED_ROUTES);
    const unknown = registeredRoutes(app).filter(
      ({ method, path }) =>
        !documented.has(`${method === 'HEAD' ? 'GET' : method} ${path}`) &&
        !excepted.some(
          (known) => path === known || (known.length > 1 && known.endsWith('/') && path.startsWith(known)),
        ),
    );
    expect(unknown).toEqual([]);
  });

  it('are there for every operation of openapi.json', () => {
    const registered = new Set(registeredRoutes(app).map(({ method, path }) => `${method} ${path}`));
    const missing = document.operations.filter(({ method, path }) => !registered.has(`${method} ${path}`));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  it('require a token except for a few with a reason', () => {
    const open = document.operations.filter(({ isPublic }) => isPublic).map(({ id }) => id);
    expect(open.sort()).toEqual(Object.keys(PUBLIC_OPERATIONS).sort());
  });
});

describe('an operation that the matrix does not know', () => {
  const known = document.operations.find(({ id }) => id === 'Chats_read') as Operation;
  const made = (changes: Partial<Operation>): Operation => ({ ...known, id: 'Widgets_read', ...changes });
  const parameter = (name: string) => ({ in: 'query' as const, name, schema: { type: 'string' } });

  it('fails with what must be added', () => {
    expect(() => accessOf(made({ isPublic: true }))).toThrow('Add it to PUBLIC_OPERATIONS');
    expect(() => idParametersOf(document, made({ path: '/api/widgets/{id}' }))).toThrow(
      'Add a rule to ID_RULES',
    );
    expect(() => idParametersOf(document, made({ parameters: [parameter('widgetId')] }))).toThrow('widgetId');
    const body = {
      'application/json': { schema: { type: 'object', properties: { ownerId: { type: 'string' } } } },
    };
    expect(() => idParametersOf(document, made({ body }))).toThrow('"ownerId" in its body');
  });
});
