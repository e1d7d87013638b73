import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import type { RecordedRequest } from '../doubles/provider-double.js';
import { HAS_BROWSER } from '../support/browser.js';
import { eventually } from '../support/chat-app.js';
import { PASSWORD } from '../support/embedded-server.js';
import { PNG } from '../support/files-server.js';
import { WebWalk } from '../support/web-walk.js';

if (!HAS_BROWSER)
  process.stderr.write('Left out: tests in a browser. Install the package chromium to run them.\n');

const describeWithBrowser = HAS_BROWSER ? describe : describe.skip;

const EMAIL = 'ada@example.com';
const ISSUE = { owner: 'octo-org', repo: 'hello', title: 'It does not start', body: 'See the log.' };

/** One person's way through the client. Each step begins where the last one has ended. */
describeWithBrowser('the web client on another origin', () => {
  let walk: WebWalk;
  let failed = 'the start';

  beforeAll(async () => {
    walk = await WebWalk.start();
    failed = '';
  });

  /** After a step that failed, the others say so at once. All of them may run again. */
  function step(name: string, work: () => Promise<void>): void {
    it(name, async () => {
      if (failed !== '' && failed !== name)
        throw new Error(`Not tried, because this failed before: ${failed}`);
      failed = name;
      await work();
      expect(walk.complaints).toEqual([]);
      failed = '';
    });
  }

  afterAll(() => walk?.close());

  const writes = ({ instructions }: RecordedRequest) =>
    instructions.includes('You write the content of a document');
  const answers = (request: RecordedRequest) => request.stream && !writes(request);
  const choose = (label: string, option: string) =>
    walk.page.getByRole('combobox', { name: label }).selectOption(option);
  const document = () => walk.page.getByRole('complementary', { name: 'Document Tides' });

  const version = (name: string) => document().getByRole('option', { name });

  step('signs up', async () => {
    await walk.page.goto(walk.origin.url);
    await walk.page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    expect(await walk.faults()).toEqual([]);
    await walk.signUp(EMAIL);
    expect(await walk.faults()).toEqual([]);
  });

  step('resumes an answer after a reload in the middle', async () => {
    const { page, server } = walk;
    server.double.enqueue({
      text: ['The **first** half', ' and the second.'],
      pauseAfter: 1,
      usage: { input: 1_000, output: 100 },
    });
    await walk.say('Tell me in two halves.');
    await walk.answer().getByText('The first half').waitFor();
    await page.reload();
    await walk.answer().getByText('The first half').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    server.double.resume();
    await walk.answer().getByText('The first half and the second.').waitFor();
    await page.getByText('1,100 tokens').waitFor();
    expect(await page.getByText('The first half').count()).toBe(1);
    await page.getByRole('link', { name: 'About Tell me in two halves.' }).waitFor();
    await page.getByText('context used').waitFor();
    expect(await walk.faults()).toEqual([]);
  });

  step('stops an answer', async () => {
    walk.server.double.enqueue({ text: ['An endless', ' story'], pauseAfter: 1 });
    await walk.say('Tell me an endless story.');
    await walk.answer().getByText('An endless').waitFor();
    await walk.page.getByRole('button', { name: 'Stop' }).click();
    await walk.answer().getByText('You stopped this answer.').waitFor();
    await walk.settled();
    walk.server.double.resume();
  });

  step('edits a message, which replaces what followed', async () => {
    const { page, server } = walk;
    server.double.enqueue({ text: ['A short one, then.'] });
    const message = page.getByRole('article', { name: 'You' }).last();
    await message.hover();
    await message.getByRole('button', { name: 'Edit the message' }).click();
    await page.getByLabel('Edited message').fill('Tell me a short story.');
    await page.locator('.message-editor').getByRole('button', { name: 'Send' }).click();
    await walk.answer().getByText('A short one, then.').waitFor();
    await walk.settled();
    expect(await page.getByRole('article').count()).toBe(4);
    expect(await page.getByText('An endless').count()).toBe(0);
  });

  step('answers again, and votes', async () => {
    const { page, server } = walk;
    server.double.enqueue({ text: ['Another one.'] });
    await page.getByRole('button', { name: 'Answer again' }).click();
    await walk.answer().getByText('Another one.').waitFor();
    await walk.settled();
    const vote = walk.answer().getByRole('button', { name: 'Good answer' });
    await vote.click();
    await page.locator('[aria-label="Good answer"][aria-pressed=true]').waitFor();
    await page.reload();
    await page.locator('[aria-label="Good answer"][aria-pressed=true]').waitFor();
  });

  step('says when an answer fails, and tries again', async () => {
    const { page, server } = walk;
    await walk.newChat();
    server.double.enqueue({
      text: ['Half of', ' it'],
      fault: { type: 'error-frame', chunks: 1, reason: 'internal' },
    });
    await walk.say('Fail, please.');
    await page.getByRole('alert').waitFor();
    await walk.answer().getByText('The answer could not be finished.').waitFor();
    expect(await walk.faults()).toEqual([]);
    server.double.enqueue({
      text: ['All of it: ![a picture](https://elsewhere.example/secret) [a link](https://a.example)'],
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await walk.answer().getByText('All of it').waitFor();
    await walk.settled();
    expect(await page.getByRole('alert').count()).toBe(0);
    // Nothing is loaded from where a model says.
    expect(await walk.answer().getByRole('img').count()).toBe(0);
    expect(await walk.answer().getByRole('link', { name: 'a link' }).getAttribute('href')).toBe(
      'https://a.example/',
    );
  });

  step('renames, finds, exports, forks, shares and deletes chats', async () => {
    const { page } = walk;
    // A chat whose first answer fails may have no title yet.
    const row = page.getByRole('listitem').filter({ has: page.locator('a[aria-current=page]') });
    const choose = async (name: string) => {
      await row.hover();
      await row.getByRole('button', { name: 'Actions for' }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    const dialog = page.getByRole('dialog');
    await choose('Rename');
    await dialog.getByLabel('Title').fill('Rivers');
    expect(await walk.faults()).toEqual([]);
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('link', { name: 'Rivers' }).waitFor();
    await page.getByRole('searchbox', { name: 'Search chats' }).fill('rivers');
    await page.getByRole('link', { name: 'About Tell me' }).waitFor({ state: 'detached' });
    const download = page.waitForEvent('download');
    await choose('Export as Markdown');
    expect((await download).suggestedFilename()).toBe('Rivers.md');

    await choose('Share');
    await dialog.getByRole('button', { name: 'Share' }).click();
    await dialog.waitFor({ state: 'detached' });
    await choose('Share');
    const link = await dialog.getByLabel('Link').inputValue();
    await dialog.getByRole('button', { name: 'Close' }).first().click();
    const reader = await walk.another();
    await walk.signUp('bob@example.com', reader);
    await reader.goto(link);
    await reader.getByText('This chat was shared with you.').waitFor();
    await reader.getByRole('button', { name: 'Continue in a copy' }).click();
    await reader.getByRole('textbox', { name: 'Message', exact: true }).waitFor();
    await reader.close();

    await choose('Delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No chat matches.').waitFor();
    await page.getByRole('searchbox', { name: 'Search chats' }).fill('');
    await page.getByRole('heading', { name: 'What can I help you with?' }).waitFor();
  });

  step('writes a document next to the chat', async () => {
    const { page, server } = walk;
    const input = { title: 'Tides', kind: 'text', description: 'An essay on tides' };
    server.double.enqueue(
      { toolCalls: [{ id: 'call-1', name: 'createDocument', input }] },
      { when: answers },
    );
    server.double.enqueue(
      { text: ['# Tides\n\nThe moon pulls.', '\n\nThe sea folows.'], pauseAfter: 1 },
      { when: writes },
    );
    server.double.enqueue({ text: ['It is next to the chat.'] }, { when: answers });
    await walk.newChat();
    await choose('Agent', 'Documents');
    await walk.say('Write an essay on tides.');
    await document().getByText('The moon pulls.').waitFor();
    await document().getByText('Writing…').waitFor();
    server.double.resume();
    await document().getByText('The sea folows.').waitFor();
    await walk.answer().getByText('It is next to the chat.').waitFor();
    await walk.settled();
    await version('Version 1').waitFor({ state: 'attached' });
    expect(await walk.faults()).toEqual([]);
    await choose('Agent', 'Automatic');
    await page.getByRole('button', { name: 'Close the document' }).click();
    await page.getByRole('button', { name: 'Tides Open the document' }).click();
  });

  step('suggests an edit, which becomes a version when it is accepted', async () => {
    const suggestion = {
      originalText: 'The sea folows.',
      suggestedText: 'The sea follows.',
      description: 'A letter is missing.',
    };
    walk.server.double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] });
    await document().getByRole('button', { name: 'Suggest edits' }).click();
    await document().getByText('A letter is missing.').waitFor();
    expect(await walk.faults()).toEqual([]);
    await document().getByRole('button', { name: 'Accept' }).click();
    await document().getByRole('region', { name: 'Content' }).getByText('The sea follows.').waitFor();
    await document().getByRole('button', { name: 'Changes' }).click();
    await document().locator('.cm-deletedChunk').getByText('The sea folows.').waitFor();
    expect(await walk.faults()).toEqual([]);
  });

  step('edits the document by hand', async () => {
    await document().getByRole('button', { name: 'Edit', exact: true }).click();
    await document().getByRole('textbox', { name: 'Content' }).press('Control+End');
    await walk.page.keyboard.type(' Twice a day.');
    expect(await walk.faults()).toEqual([]);
    await document().getByRole('button', { name: 'Save as a new version' }).click();
    await document().getByText('The sea follows. Twice a day.').waitFor();
    await version('Version 3').waitFor({ state: 'attached' });
    await walk.page.getByRole('button', { name: 'Close the document' }).click();
  });

  step('sends a picture that was uploaded', async () => {
    const { page, server } = walk;
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'cat.png', mimeType: 'image/png', buffer: PNG });
    await page.getByRole('button', { name: 'Remove cat.png' }).waitFor();
    server.double.enqueue({ text: ['A very small cat.'] });
    await walk.say('What is this?');
    await walk.answer().getByText('A very small cat.').waitFor();
    await walk.settled();
    expect(server.told()).toContain(PNG.toString('base64'));
    await page.getByRole('img', { name: 'cat.png' }).waitFor();
    await page.reload();
    const picture = page.getByRole('img', { name: 'cat.png' });
    await picture.waitFor();
    await eventually(() => picture.evaluate((element) => (element as HTMLImageElement).naturalWidth > 0));
  });

  step('lets an administrator change a prompt', async () => {
    const { page, server } = walk;
    await server.stack.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where email = $1`,
      [EMAIL],
    );
    await page.reload();
    await page.getByRole('link', { name: 'Administration' }).click();
    await page.getByRole('combobox', { name: 'Configuration' }).selectOption('chat_agent_google');
    await page.getByLabel('System prompt').fill('You are a pirate.');
    expect(await walk.faults()).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Version 2, updated').waitFor();
    await walk.newChat();
    server.double.enqueue({ text: ['Arr.'] });
    await walk.say('Good morning!');
    await walk.answer().getByText('Arr.').waitFor();
    await walk.settled();
    const asked = server.double.requests.findLast(({ stream }) => stream);
    expect(asked?.instructions).toContain('You are a pirate.');
  });

  step('approves a change at GitHub', async () => {
    const { page, server, mcp, github } = walk;
    github.repositories.push({ owner: 'octo-org', name: 'hello' });
    const { body: session } = await server.stack.signIn(EMAIL);
    const configured = await server.stack.request('PATCH', '/api/admin/config/git_mcp_agent_google', {
      token: session.access_token,
      body: { configData: { mcp: { url: mcp.url, readOnly: false, excludeTools: null } } },
    });
    expect(configured.status).toBe(200);
    await walk.open('/settings');
    await page.getByLabel('GitHub token').fill(GITHUB_TOKEN);
    await page.getByLabel('Address').fill('https://github.com/octo-org/hello');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('button', { name: 'Disconnect octo-org/hello' }).waitFor();
    expect(await walk.faults()).toEqual([]);
    await walk.newChat();
    await choose('Agent', 'GitHub');
    await choose('Repository', 'octo-org/hello');
    server.double.enqueue({ toolCalls: [{ id: 'write-1', name: 'create_issue', input: ISSUE }] });
    server.double.enqueue({ text: ['It is issue 1.'] });
    await walk.say('Please report that it does not start.');
    const approval = page.getByRole('region', { name: 'Approval of create_issue' });
    await approval.getByText('It does not start').waitFor();
    expect(mcp.world.writes).toEqual([]);
    expect(await walk.faults()).toEqual([]);
    await approval.getByRole('button', { name: 'Approve' }).click();
    await walk.answer().getByText('It is issue 1.').waitFor();
    await walk.settled();
    expect(mcp.world.writes).toEqual([{ tool: 'create_issue', input: ISSUE }]);
  });

  step('shows all of that in the usage, and the figures of everyone to administrators', async () => {
    const { page } = walk;
    await page.getByRole('link', { name: 'Usage' }).click();
    for (const name of ['Chat', 'Documents', 'GitHub']) await page.getByRole('rowheader', { name }).waitFor();
    await page.getByRole('heading', { name: 'Limits' }).waitFor();
    expect(await walk.faults()).toEqual([]);
    await page.getByRole('link', { name: 'Administration' }).click();
    const tabs = page.getByRole('navigation', { name: 'Administration' });
    await tabs.getByRole('link', { name: 'Usage' }).click();
    await page.getByRole('rowheader', { name: EMAIL }).waitFor();
    expect(await walk.faults()).toEqual([]);
    await tabs.getByRole('link', { name: 'People' }).click();
    await page.getByRole('rowheader', { name: EMAIL }).waitFor();
    expect(await walk.faults()).toEqual([]);
    await tabs.getByRole('link', { name: 'Audit log' }).click();
    await page
      .getByRole('cell', { name: /config/ })
      .first()
      .waitFor();
    expect(await walk.faults()).toEqual([]);
  });

  step('keeps a chosen theme, signs out and in again', async () => {
    const { page } = walk;
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.reload();
    await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Email').fill(EMAIL);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'About Tell me in two halves.' }).waitFor();
  });

  step('keeps the rest of the client when a page cannot be shown', async () => {
    const { page } = walk;
    const usage = page
      .getByRole('navigation', { name: 'Chats and pages' })
      .getByRole('link', { name: 'Usage' });
    await page.route('**/usage-page-*.js', (route) => route.abort());
    await usage.click();
    await page.getByRole('alert').getByText('This page cannot be shown.').waitFor();
    await page.getByRole('link', { name: 'About Tell me in two halves.' }).click();
    await walk.answer().waitFor();
    await usage.click();
    await page.unroute('**/usage-page-*.js');
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'Limits' }).waitFor();
    // The browser's own words about the missing file.
    walk.complaints.length = 0;
  });
});
