import type { Browser, Page } from 'playwright-core';
import { HAS_BROWSER, startBrowser, watchConsole } from '../support/browser.js';
import { FilesServer } from '../support/files-server.js';
import { buildWebClient } from '../support/web-client.js';

if (!HAS_BROWSER)
  process.stderr.write('Left out: tests in a browser. Install the package chromium to run them.\n');

const describeWithBrowser = HAS_BROWSER ? describe : describe.skip;

describeWithBrowser('the web client in a browser', () => {
  let server: FilesServer;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    buildWebClient();
    [server, browser] = await Promise.all([FilesServer.start(), startBrowser()]);
    page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    complaints = watchConsole(page);
  });

  afterEach(() => expect(complaints).toEqual([]));

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const say = async (text: string) => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  };
  const answer = () => page.getByRole('article', { name: 'Assistant' }).last();

  it('signs a user up', async () => {
    await page.goto(server.stack.url);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill('correct-horse-battery');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'What can I help you with?' }).waitFor();
  });

  it('streams an answer, which is the same after a reload', async () => {
    server.double.enqueue({
      text: ['It is **four**', ', and no less.'],
      usage: { input: 1_000, output: 100 },
    });
    await say('How much is two and two?');
    await answer().getByText('It is four, and no less.').waitFor();
    await page.getByText(/1,100 tokens/).waitFor();
    const live = await answer().innerText();
    await page.reload();
    await page.getByText(/1,100 tokens/).waitFor();
    expect(await answer().innerText()).toBe(live);
  });
});
