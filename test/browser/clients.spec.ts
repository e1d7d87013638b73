import type { Browser, Page } from 'playwright-core';
import { HAS_BROWSER, startBrowser, watchConsole } from '../support/browser.js';
import { PASSWORD } from '../support/embedded-server.js';
import { FilesServer } from '../support/files-server.js';
import { freePort } from '../support/free-port.js';
import { buildWebClient, type OwnOrigin, serveOnOwnOrigin } from '../support/web-client.js';
import type { Clients } from './clients/types.js';

if (!HAS_BROWSER)
  process.stderr.write('Left out: clients in a browser. Install the package chromium to run them.\n');

const describeWithBrowser = HAS_BROWSER ? describe : describe.skip;

/** The published packages in a page on another origin, without a line of adaptation. */
describeWithBrowser('in a browser', () => {
  let server: FilesServer;
  let browser: Browser;
  let origin: OwnOrigin;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    await buildWebClient();
    const port = await freePort();
    [server, browser] = await Promise.all([
      FilesServer.start({ CORS_ORIGINS: `http://127.0.0.1:${port}` }),
      startBrowser(),
    ]);
    origin = await serveOnOwnOrigin('test/browser/clients', port, {
      VITE_API_URL: server.stack.url,
      VITE_SUPABASE_PUBLISHABLE_KEY: server.stack.secrets.publishableKey,
    });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    complaints = watchConsole(page);
  });

  afterEach(() => page.close());

  afterAll(async () => {
    await browser?.close();
    await Promise.all([origin?.close(), server?.stop()]);
  });

  /** Runs a function in the page, with the clients. */
  const inPage = <Argument, Result>(
    work: (clients: Clients, argument: Argument) => Promise<Result>,
    argument: Argument,
  ): Promise<Result> =>
    page.evaluate<Result>(`(${work.toString()})(window.clients, ${JSON.stringify(argument ?? null)})`);

  it('supabase-js signs up, out and in, refreshes, and changes the user', async () => {
    await page.goto(origin.url);
    const outcome = await inPage(
      async ({ supabase: { auth } }, credentials) => {
        const signUp = await auth.signUp(credentials);
        const signOut = await auth.signOut();
        const signIn = await auth.signInWithPassword(credentials);
        const refreshed = await auth.refreshSession();
        const updated = await auth.updateUser({ data: { nick: 'Bo' } });
        const user = await auth.getUser();
        return {
          errors: [signUp, signOut, signIn, refreshed, updated, user].map(({ error }) => error),
          isNew: refreshed.data.session?.refresh_token !== signIn.data.session?.refresh_token,
          nick: user.data.user?.user_metadata['nick'] as unknown,
        };
      },
      { email: 'bo@example.com', password: PASSWORD },
    );
    expect(outcome).toEqual({ errors: Array(6).fill(null), isNew: true, nick: 'Bo' });
    // The session is there after a reload.
    await page.reload();
    const email = await inPage(
      async ({ supabase }) => (await supabase.auth.getSession()).data.session?.user.email,
      undefined,
    );
    expect(email).toBe('bo@example.com');
    expect(complaints).toEqual([]);
  });

  it('supabase-js stores a file and reads it', async () => {
    await page.goto(origin.url);
    const outcome = await inPage(
      async ({ supabase }, credentials) => {
        const { data } = await supabase.auth.signUp(credentials);
        const bucket = supabase.storage.from('attachments');
        const path = `${data.user?.id}/note.txt`;
        const file = new Blob(['Hello from a page'], { type: 'text/plain' });
        const stored = await bucket.upload(path, file, { cacheControl: '60', upsert: true });
        const read = await bucket.download(path);
        return { errors: [stored.error, read.error], text: await read.data?.text() };
      },
      { email: 'files@example.com', password: PASSWORD },
    );
    expect(outcome).toEqual({ errors: [null, null], text: 'Hello from a page' });
    expect(complaints).toEqual([]);
  });

  it('useChat sends, and resumes once under StrictMode, which mounts it twice', async () => {
    const person = await server.stack.signUp('chat@example.com');
    const id = crypto.randomUUID();
    const show = async (messages: object[]) => {
      await page.goto(origin.url);
      // eslint-disable-next-line @typescript-eslint/require-await -- the page's side of the call
      await inPage(async (clients, options) => clients.showChat(options as never), {
        id,
        messages,
        token: person.accessToken,
      });
    };
    const answer = page.locator('li[data-role=assistant]');

    server.double.enqueue({ text: ['One ', 'two ', 'three.'], pauseAfter: 2 });
    await show([]);
    await page.getByLabel('Message').fill('Count to three.');
    await page.getByLabel('Message').press('Enter');
    await answer.getByText('One two').waitFor();

    // The page is loaded again in the middle of the answer.
    const stored = await server.messages(person, id);
    await show(stored);
    await answer.getByText('One two').waitFor();
    server.double.resume();
    await answer.getByText('One two three.').waitFor();
    await page.locator('output').getByText('ready').waitFor();
    expect(await page.locator('li').allTextContents()).toEqual(['Count to three.', 'One two three.']);

    // It ended a moment ago: the same again, without doubling anything.
    await show(await server.messages(person, id));
    await answer.getByText('One two three.').waitFor();
    await page.locator('output').getByText('ready').waitFor();
    expect(await page.locator('li').allTextContents()).toEqual(['Count to three.', 'One two three.']);
    expect(complaints).toEqual([]);
  });

  it('the client that the server brings is there at the root, on the origin of the server', async () => {
    await page.goto(server.stack.url);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Email').fill('root@example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    server.double.enqueue({ text: ['It is **four**.'] });
    await page.getByRole('textbox', { name: 'Message', exact: true }).fill('How much is two and two?');
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'Assistant' }).getByText('It is four.').waitFor();
    await page.getByRole('link', { name: 'Usage' }).click();
    await page.getByRole('figure', { name: /Cost per day/ }).waitFor();
    expect(complaints).toEqual([]);
  });
});
