/** Takes the pictures of the web client for the README: `npm run web:pictures`. */
import type { Page } from 'playwright-core';
import type { RecordedRequest } from '../doubles/provider-double.js';
import { startBrowser } from '../support/browser.js';
import { FilesServer } from '../support/files-server.js';
import { buildWebClient } from '../support/web-client.js';

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct-horse-battery';

const ANSWER = [
  'Think of an **open padlock**. You hand out copies of it to anyone, and keep the only key.\n\n',
  '1. Bob puts his letter into a box and snaps *your* padlock shut.\n',
  '2. The box travels through the open mail. Nobody on the way can open it.\n',
  '3. You open it with your private key.\n\n',
  'In code, with two small primes:\n\n',
  '```python\np, q, e = 61, 53, 17\nn, d = p * q, pow(e, -1, (p - 1) * (q - 1))\n\n',
  'sealed = pow(65, e, n)       # anyone can do this\nopened = pow(sealed, d, n)   # only you can\n```\n\n',
  'The padlock is `(n, e)`, and the key is `d`. Finding `d` means splitting `n` into its primes, which takes too long if they are large.',
];

const PLAN = `# A garden for Elm Street

Thirty beds, one shed, and a long table: a place where neighbors grow food together.

## Goals

- **Thirty raised beds** ready to plant by April 15
- Water and tools that everyone can share
- One shared meal every month

## Timeline

| Month    | Work                                |
| -------- | ----------------------------------- |
| January  | Permit from the city, soil tests    |
| February | Lumber and soil, beds built         |
| March    | Water line, shed, seedlings started |
| April    | Opening day                         |

## Budget

The city grant covers **$8,400** of the $11,200. Bed fees of $40 a year and two bake sales cover the rest.
`;

await buildWebClient();
const server = await FilesServer.start();
const { double, stack } = server;
const writes = ({ instructions }: RecordedRequest) =>
  instructions.includes('You write the content of a document');
const answers = (request: RecordedRequest) => request.stream && !writes(request);
const browser = await startBrowser();
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  const shoot = async (name: string) => {
    await page.mouse.move(640, 2);
    await page.evaluate('document.activeElement?.blur()');
    await page.screenshot({ path: `docs/web-${name}.png` });
  };
  await page.goto(stack.url);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('Email').fill(EMAIL);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  for (const title of [
    'Summaries of the quarterly report',
    'Dinner for six, without nuts',
    'Why does the build fail on Windows?',
    'A birthday poem for Grandma',
  ]) {
    await ask(page, `Help me: ${title}`, { text: ['Gladly.'], usage: { input: 2_400, output: 600 } }, title);
  }
  await ask(
    page,
    'Explain how public-key cryptography works, with an analogy.',
    { text: ANSWER, usage: { input: 1_240, output: 410 } },
    'Padlocks and public keys',
  );
  await shoot('chat');
  await page.setViewportSize({ width: 390, height: 800 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('phone');
  await page.setViewportSize({ width: 1280, height: 800 });

  const input = { title: 'A garden for Elm Street', kind: 'text', description: 'A project plan' };
  double.enqueue({ toolCalls: [{ id: 'call-1', name: 'createDocument', input }] }, { when: answers });
  double.enqueue({ text: [PLAN], usage: { input: 900, output: 320 } }, { when: writes });
  await page.getByRole('combobox', { name: 'Agent' }).selectOption('Documents');
  const closing = 'Here is a plan that fits on one page. Shall I turn the budget into a sheet?';
  await ask(
    page,
    'Write a one-page project plan for a community garden.',
    { text: [closing], usage: { input: 1_900, output: 60 } },
    'A community garden',
  );
  const suggestion = {
    originalText: 'Bed fees of $40 a year and two bake sales cover the rest.',
    suggestedText: 'Bed fees of $40 a year raise $1,200; two bake sales must raise the other $1,600.',
    description: 'The reader should see that the sums add up.',
  };
  double.enqueue({ text: [JSON.stringify({ suggestions: [suggestion] })] });
  await page.getByRole('button', { name: 'Suggest edits' }).click();
  await page.getByRole('button', { name: 'Accept' }).waitFor();
  await shoot('document');

  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.getByRole('link', { name: 'Usage' }).click();
  await page.getByRole('heading', { name: 'Limits' }).waitFor();
  await page.getByRole('figure').waitFor();
  await shoot('usage');
} finally {
  await browser.close();
  await server.stop();
}

/** Asks in a new chat, which gets this title. */
async function ask(page: Page, question: string, script: object, title: string): Promise<void> {
  double.enqueue(
    { text: [title] },
    { when: ({ instructions }) => /title/i.test(instructions) && !/document/i.test(instructions) },
  );
  double.enqueue(script, { when: answers });
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill(question);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: title }).waitFor();
  await page.getByRole('button', { name: 'Answer again' }).waitFor();
}
