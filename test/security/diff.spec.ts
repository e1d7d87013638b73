import { randomUUID } from 'node:crypto';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { messageToMarkdown } from '../../src/modules/chat/chat-markdown.js';
import { findCsvProblem } from '../../src/modules/documents/csv.js';
import { replaceOnce } from '../../src/modules/suggestions/replace-once.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { drain, longestBlock, MAX_BLOCK } from '../support/loop-probe.js';

let app: TestApp;
let user: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  user = await app.createUser();
});
afterAll(() => app?.close());

/** @returns the id of a document with these versions */
async function addVersions(contents: string[], owner = user): Promise<string> {
  const id = randomUUID();
  for (const [index, content] of contents.entries()) {
    const createdAt = `2026-01-01T00:00:0${index}.000Z`;
    await insertDocument(app.database, owner.id, { id, content, kind: 'text', createdAt });
  }
  return id;
}

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');

/** Long enough and different enough to keep a thread busy for seconds, with a small result. */
const slow = (): [string, string] => [
  lines(150_000, (index) => (index % 160 === 0 ? `old ${index}` : `same ${index % 3}`)),
  lines(150_000, (index) => (index % 160 === 0 ? `new ${index}` : `same ${index % 3}`)),
];

describe('GET /api/documents/:id/diff', () => {
  it('does not block other requests', async () => {
    const id = await addVersions(slow());
    const answers: number[] = [];
    const block = await longestBlock(async () => {
      const difference = drain(app, user, `/api/documents/${id}/diff`);
      answers.push((await drain(app, user, '/health/live')).status);
      answers.push((await difference).status);
    });
    expect(answers[0]).toBe(200);
    expect([200, 413]).toContain(answers[1]);
    expect(block).toBeLessThan(MAX_BLOCK);
  });

  it('returns the whole difference between large texts with few changes', async () => {
    const before = lines(100_000, (index) => `line ${index}`);
    const id = await addVersions([before, before.replace('line 50000\n', 'changed\n')]);
    const { status, body } = await app.request('GET', `/api/documents/${id}/diff`, { user });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-01T00:00:01.000Z',
      hunks: [{ oldStart: 49_998, oldLines: 7, newStart: 49_998, newLines: 7 }],
    });
    expect(body.unified).toContain('-line 50000\n+changed\n');
  });

  it('is refused if its response would be too large', async () => {
    const id = await addVersions([lines(400_000, String), lines(400_000, (index) => `${index} more`)]);
    const block = await longestBlock(() => drain(app, user, `/api/documents/${id}/diff`));
    expect(block).toBeLessThan(MAX_BLOCK);
    const response = await app.request('GET', `/api/documents/${id}/diff`, { user });
    expect(response.status).toBe(413);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(response.body).toMatchObject({
      code: 'payload_too_large',
      detail: expect.stringMatching(/too large/),
    });
  });

  it('does not let one user keep the thread busy', async () => {
    const other = await app.createUser();
    const [mine, theirs] = [await addVersions(slow()), await addVersions(['a\n', 'b\n'], other)];
    const many = Array.from({ length: 12 }, () =>
      app.request('GET', `/api/documents/${mine}/diff`, { user }),
    );
    const theirDiff = await app.request('GET', `/api/documents/${theirs}/diff`, { user: other });
    expect(theirDiff.status).toBe(200);
    const refused = (await Promise.all(many)).filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(headers.get('retry-after')).toBe('1');
      expect(body.code).toBe('rate_limited');
    }
  });
});

describe('work on the text of a document', () => {
  /** Only the time of this thread, without other work of the machine. */
  const work = (run: () => unknown): number => {
    const before = process.threadCpuUsage();
    run();
    const { user: used, system } = process.threadCpuUsage(before);
    return (used + system) / 1000;
  };

  it('takes time that grows linearly with its length', () => {
    const content = 'a'.repeat(3_000_000);
    const original = `${'a'.repeat(12_000)}b${'a'.repeat(12_000)}`;
    expect(work(() => replaceOnce(content, original, 'x'))).toBeLessThan(MAX_BLOCK);
    expect(work(() => findCsvProblem(','.repeat(9_000_000)))).toBeLessThan(MAX_BLOCK);
    expect(work(() => findCsvProblem(`${'\n'.repeat(9_000_000)}a"`))).toBeLessThan(MAX_BLOCK);
    const part = { type: 'text', text: `${'`'.repeat(100_000)}\rx` };
    const message = { role: 'user', parts: [part], createdAt: '', modelUsed: null, status: 'complete' };
    expect(work(() => messageToMarkdown(message as never))).toBeLessThan(MAX_BLOCK);
  });

  it('is found, whatever repeats itself', () => {
    const unit = 'ab'.repeat(20_000);
    const original = `${unit}c${unit}`;
    expect(replaceOnce(`${unit}${original}a`, original, '!')).toBe(`${unit}!a`);
    expect(replaceOnce(`${original}${original}`, original, '!')).toBeUndefined();
    expect(replaceOnce('a'.repeat(50_001), 'a'.repeat(50_000), '!')).toBeUndefined();
    expect(replaceOnce('a'.repeat(50_000), 'a'.repeat(50_000), '!')).toBe('!');
    expect(replaceOnce('a'.repeat(50_000), `${'a'.repeat(49_999)}b`, '!')).toBeUndefined();
  });

  it('of a suggestion is searched without blocking other requests', async () => {
    const id = await addVersions(['a'.repeat(1_000_000)]);
    const suggestion = await insertSuggestion(app.database, user.id, id, {
      originalText: `${'a'.repeat(12_000)}b${'a'.repeat(12_000)}`,
      suggestedText: 'x',
    });
    const block = await longestBlock(async () => {
      const { status } = await drain(app, user, `/api/suggestions/${suggestion}/apply`, 'POST');
      expect(status).toBe(409);
    });
    expect(block).toBeLessThan(MAX_BLOCK);
  });
});
