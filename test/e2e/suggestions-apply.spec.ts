import { randomUUID } from 'node:crypto';
import { insertDocument, insertSuggestion } from '../fixtures/rows.js';
import { startTestApp, type TestApp, type TestUser } from '../support/app.js';
import { expectProblem } from '../support/expectations.js';

let app: TestApp;
let owner: TestUser;
let stranger: TestUser;
let admin: TestUser;
let documentId: string;

const FIRST = '2026-01-01T00:00:00.000Z';

beforeAll(async () => {
  app = await startTestApp();
  stranger = await app.createUser();
  admin = await app.createUser({ role: 'admin' });
});
beforeEach(async () => {
  owner = await app.createUser();
});
afterAll(() => app?.close());

async function write(content: string, columns: Record<string, unknown> = {}): Promise<void> {
  documentId = await insertDocument(app.database, owner.id, { createdAt: FIRST, content, ...columns });
}
const suggest = (originalText: string, suggestedText: string) =>
  insertSuggestion(app.database, owner.id, documentId, { originalText, suggestedText });
const apply = (id: string, user = owner) => app.request('POST', `/api/suggestions/${id}/apply`, { user });
const put = (content: string) =>
  app.request('PUT', `/api/documents/${documentId}`, { user: owner, body: { content } });
const latest = async () => (await app.request('GET', `/api/documents/${documentId}`, { user: owner })).body;
const countVersions = async () =>
  (await app.request('GET', `/api/documents/${documentId}/versions?limit=100`, { user: owner })).body.items
    .length;
const isResolved = async (id: string) =>
  (await app.database.query('select "isResolved" from "Suggestion" where id = $1', [id]))[0].isResolved;

describe('POST /api/suggestions/:id/apply', () => {
  it('stores the changed text as a new version, and resolves the suggestion', async () => {
    await write('Once upon a time', { title: 'Tale', kind: 'code' });
    const id = await suggest('upon', 'at');
    const response = await apply(id);
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      id: documentId,
      userId: owner.id,
      title: 'Tale',
      kind: 'code',
      content: 'Once at a time',
      createdAt: expect.any(String),
    });
    expect(Date.parse(response.body.createdAt)).toBeGreaterThan(Date.parse(FIRST));
    expect(await latest()).toEqual(response.body);
    expect(await countVersions()).toBe(2);
    const { body } = await app.request('GET', `/api/documents/${documentId}/suggestions?version=${FIRST}`, {
      user: owner,
    });
    expect(body.items).toEqual([expect.objectContaining({ id, isResolved: true, documentCreatedAt: FIRST })]);
  });

  it.each([
    ['unicode', 'שלום 🌱 עולם', '🌱', '🌲🌳', 'שלום 🌲🌳 עולם'],
    ['what means something elsewhere', 'a.*b', '.*', "$& $1 $' \\1", "a$& $1 $' \\1b"],
    ['several lines', 'a\r\nb\nc', 'a\r\nb', '', '\nc'],
    ['all of it', 'all', 'all', 'nothing', 'nothing'],
  ])('replaces %s', async (_, content, originalText, suggestedText, expected) => {
    await write(content);
    expect((await apply(await suggest(originalText, suggestedText))).body.content).toBe(expected);
  });

  it('works on the latest version, whichever version the suggestion was made for', async () => {
    await write('one two three');
    const [one, three] = [await suggest('one', '1'), await suggest('three', '3')];
    await put('zero one two three');
    expect((await apply(three)).body.content).toBe('zero one two 3');
    expect((await apply(one)).body.content).toBe('zero 1 two 3');
  });

  it.each([
    ['has vanished', 'one two', 'three'],
    ['is there twice', 'one two one', 'one'],
    ['is there twice, overlapping', 'nanana', 'nana'],
    ['is empty', 'one', ''],
  ])('refuses if the text %s', async (_, content, originalText) => {
    await write(content);
    const id = await suggest(originalText, 'x');
    expectProblem(await apply(id), 409, 'version_conflict');
    expect([(await latest()).content, await countVersions(), await isResolved(id)]).toEqual([
      content,
      1,
      false,
    ]);
  });

  it.each([
    ['decomposed', 'Ein Ka\u0308se.', 'K\u00e4se', 'K\u00fcmmel', 'Ein Ku\u0308mmel.'],
    ['composed', 'Ein K\u00e4se.', 'Ka\u0308se', 'Ku\u0308mmel', 'Ein K\u00fcmmel.'],
    ['CRLF', 'one\r\ntwo\r\nthree', 'one\ntwo', '1\n2', '1\r\n2\r\nthree'],
  ])(
    'keeps to the spelling of the document: %s',
    async (_, content, originalText, suggestedText, expected) => {
      await write(content);
      const id = await suggest(originalText, suggestedText);
      expect((await apply(id)).body.content).toBe(expected);
      expect((await latest()).content).toBe(expected);
    },
  );

  it('refuses if a newer version lost the text, and works again when it is back', async () => {
    await write('Once upon a time');
    const id = await suggest('upon', 'at');
    await put('Once');
    expectProblem(await apply(id), 409, 'version_conflict');
    await put('There it is: upon');
    expect((await apply(id)).body.content).toBe('There it is: at');
  });

  it('applies one of two overlapping suggestions', async () => {
    await write('the quick brown fox');
    const [first, second] = [await suggest('quick brown', 'slow red'), await suggest('brown fox', 'hare')];
    expect((await apply(first)).status).toBe(200);
    expectProblem(await apply(second), 409, 'version_conflict');
    expect([(await latest()).content, await isResolved(second)]).toEqual(['the slow red fox', false]);
  });

  it('does not apply twice, even if the text is still there', async () => {
    await write('a cat');
    const id = await suggest('cat', 'cat and a cap');
    expect((await apply(id)).body.content).toBe('a cat and a cap');
    expectProblem(await apply(id), 409, 'version_conflict');
    await app.request('PATCH', `/api/suggestions/${id}`, { user: owner, body: { isResolved: false } });
    expect((await apply(id)).body.content).toBe('a cat and a cap and a cap');
  });

  it('keeps a sheet valid', async () => {
    await write('name,age\nAda,36\n', { kind: 'sheet' });
    const response = await apply(await suggest('Ada', '"Ada'));
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].path).toBe('suggestedText');
    expect(await countVersions()).toBe(1);
    expect((await apply(await suggest('Ada', '"Ada, Countess"'))).body.content).toBe(
      'name,age\n"Ada, Countess",36\n',
    );
  });

  it('is only for the owner', async () => {
    await write('Once upon a time');
    const id = await suggest('upon', 'at');
    for (const user of [stranger, admin]) expectProblem(await apply(id, user), 404, 'not_found');
    expectProblem(await apply(randomUUID()), 404, 'not_found');
    expectProblem(await apply('no-such-suggestion'), 404, 'not_found');
    expect([await countVersions(), await isResolved(id)]).toEqual([1, false]);
  });

  it('is done once for concurrent requests', async () => {
    await write('a cat');
    const id = await suggest('cat', 'cat and a cap');
    const responses = await Promise.all(Array.from({ length: 20 }, () => apply(id)));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(409)]);
    expect([(await latest()).content, await countVersions()]).toEqual(['a cat and a cap', 2]);
  });

  it('loses none of many concurrent suggestions, nor a version written meanwhile', async () => {
    const words = Array.from({ length: 20 }, (_, n) => `<${n}>`);
    await write(words.join(' '));
    const ids = [];
    for (const word of words) ids.push(await suggest(word, word.replace('<', '[').replace('>', ']')));
    const responses = await Promise.all(ids.map((id) => apply(id)));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await latest()).content).toBe(words.join(' ').replaceAll('<', '[').replaceAll('>', ']'));
    expect(await countVersions()).toBe(21);
  });

  it('finds nothing to apply after the document, the version or the suggestion was deleted', async () => {
    await write('Once upon a time');
    const ids = [];
    for (let n = 0; n < 10; n++) ids.push(await suggest('upon', 'at'));
    const [, ...responses] = await Promise.all([
      app.request('DELETE', `/api/documents/${documentId}`, { user: owner }),
      ...ids.map((id) => apply(id)),
    ]);
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    expect(statuses.filter((status) => ![200, 404, 409].includes(status))).toEqual([]);
    expect(await app.database.query('select from "Document" where id = $1', [documentId])).toEqual([]);
  });
});
