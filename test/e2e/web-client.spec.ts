import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setupWebClient } from '../../src/web-client.js';
import { buildWebClient } from '../support/web-client.js';
import { startTestApp, type TestApp } from '../support/app.js';

const KEY = 'sb_publishable_test';
const SUPABASE_URL = 'https://project.supabase.co';

describe('the web client', () => {
  let app: TestApp;

  beforeAll(async () => {
    await buildWebClient();
    app = await startTestApp({ WEB: 'true', SUPABASE_PUBLISHABLE_KEY: KEY, SUPABASE_URL });
  });

  afterAll(() => app?.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${app.url}${path}`, { redirect: 'manual', headers });

  it('is served at the root, with a policy that allows nothing from elsewhere but Supabase', async () => {
    const page = await get('/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain(`connect-src 'self' ${SUPABASE_URL};`);
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe/);
    expect(await page.text()).toContain('<div id="root">');
  });

  it('has files that browsers keep, and that are compressed', async () => {
    const page = await (await get('/')).text();
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page)?.[1];
    const response = await get(`/${script}`, { 'accept-encoding': 'br' });
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, 'br']);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-type')).toMatch(/javascript/);
    expect((await get('/theme.js')).headers.get('cache-control')).toBe('no-cache');
  });

  it('says which Supabase it uses, and no secret', async () => {
    const response = await get('/web-config.json');
    expect(await response.json()).toEqual({ publishableKey: KEY, supabaseUrl: SUPABASE_URL });
  });

  it.each(['/assets', '/assets/', '/assets/none.js', '/../package.json', '/%2e%2e/src/main.js', '/chats/1'])(
    'has nothing at %s',
    async (path) => {
      const response = await get(path);
      expect([response.status, response.headers.get('content-type')]).toEqual([
        404,
        expect.stringContaining('application/problem+json'),
      ]);
    },
  );

  it('leaves everything else as it is', async () => {
    expect((await get('/api/me')).status).toBe(401);
    expect((await get('/health/live')).status).toBe(200);
    const docs = await get('/docs');
    expect(docs.status).toBe(200);
    expect(docs.headers.get('content-security-policy')).not.toContain(SUPABASE_URL);
  });

  it('counts towards the limit of requests', async () => {
    const limited = await startTestApp({
      WEB: 'true',
      SUPABASE_PUBLISHABLE_KEY: KEY,
      SUPABASE_URL,
      THROTTLE_LIMIT: '3',
    });
    try {
      const statuses = [];
      for (let count = 0; count < 4; count++) statuses.push((await fetch(`${limited.url}/theme.js`)).status);
      expect(statuses).toEqual([200, 200, 200, 429]);
    } finally {
      await limited.close();
    }
  });
});

it('is required only if the environment asks for it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-web-'));
  const setUp = (isRequired: boolean) =>
    setupWebClient({} as never, { web: { publishableKey: KEY, isRequired }, supabase: {} }, folder);
  await expect(setUp(true)).rejects.toThrow(
    'WEB is true, but the web client is not built. Run npm run build',
  );
  expect(await setUp(false)).toBe(false);
  rmSync(folder, { recursive: true });
});

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

it('has the same versions in its own package as the root, which builds it', () => {
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const root = read('package.json');
  const own = read('examples/web/package.json');
  const versions = { ...own.dependencies, ...own.devDependencies };
  expect({ ...root.dependencies, ...root.devDependencies }).toMatchObject(versions);
});

it('has a copy of the types of the stream', () => {
  const read = (path: string) => readFileSync(path, 'utf8');
  expect(read('examples/web/src/chat/contract.ts')).toBe(read('src/modules/chat/contract/chat-message.ts'));
});

describe('without the web client', () => {
  it('leads from the root to the documentation', async () => {
    const app = await startTestApp();
    const response = await fetch(app.url, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'docs']);
    expect((await fetch(`${app.url}/web-config.json`)).status).toBe(404);
    await app.close();
  });
});
