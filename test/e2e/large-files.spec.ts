import { createHash } from 'node:crypto';
import type { Person } from '../support/embedded-server.js';
import { file, FilesServer, PNG, text } from '../support/files-server.js';

const MEGABYTE = 1_000_000;
const GEMINI = 'google/gemini-3.8-flash';
const bytesOf = (start: Buffer | string, megabytes: number) =>
  Buffer.concat([Buffer.from(start), Buffer.alloc(megabytes * MEGABYTE, 'x')]);
const isUpload = { fileData: { mimeType: 'application/pdf', fileUri: expect.any(String) } };

describe('large files', () => {
  let server: FilesServer;
  let ada: Person;
  let chatId: string;
  let people = 0;
  /** Base64 makes 20 MB of it: more than fits into a request to Gemini. It is another one in each test. */
  let pdf: Buffer;

  beforeAll(async () => {
    server = await FilesServer.start({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '5000' });
  });
  afterAll(() => server?.stop());

  beforeEach(async () => {
    server.double.reset();
    people += 1;
    pdf = bytesOf(`%PDF-1.7\n/Type /Page\n${people}`, 15);
    chatId = crypto.randomUUID();
    ada = await server.stack.signUp(`ada${people}@example.com`);
  });

  const store = (bytes: Buffer, type: string, name: string) => server.upload(ada, name, type, bytes);
  const say = (parts: object[], more: object = {}) =>
    server.say(ada, chatId, parts, { model: GEMINI, ...more });
  const uploads = () => server.double.googleFiles.uploads;
  /** The parts of the last question to Gemini itself. */
  const asked = () =>
    server.double.requests
      .filter(({ stream }) => stream)
      .at(-1)
      ?.body['contents'].flatMap(({ parts }: { parts: unknown[] }) => parts) as unknown[];

  describe('are refused when they are sent, and named,', () => {
    it.each([
      ['anthropic/claude-haiku-5-5', 'image/png', 'cat.png', bytesOf(PNG, 5), /images of at most 3\.9 MB/],
      ['openai/gpt-6-luna', 'text/plain', 'log.txt', bytesOf('log ', 12), /log\.txt is too long/],
    ])('when %s does not take them', async (model, type, name, bytes, message) => {
      const path = await store(bytes, type, name);
      const { status, problem } = await say([text('Look.'), file(path, type, name)], { model });
      expect([status, problem?.['errors']]).toEqual([
        400,
        [{ path: 'message.parts.1', message: expect.stringMatching(message) }],
      ]);
      expect(server.double.requests).toEqual([]);
      expect(await server.messages(ada, chatId)).toBeUndefined();
    });

    it('when a turn does not read so many bytes', async () => {
      const paths = [
        await store(bytesOf('%PDF-1', 11), 'application/pdf', 'a.pdf'),
        await store(bytesOf('%PDF-2', 11), 'application/pdf', 'b.pdf'),
      ];
      const parts = paths.map((path) => file(path, 'application/pdf'));
      const { status, problem } = await say([text('Look.'), ...parts], { model: 'openai/gpt-6-luna' });
      expect([status, problem?.['errors']]).toEqual([
        400,
        [{ path: 'message.parts.1.url', message: expect.stringMatching(/have 20971520 bytes together/) }],
      ]);
      expect(server.double.requests).toEqual([]);
    });
  });

  describe('for Gemini', () => {
    it('are uploaded once, and named in this and later questions', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      const answer = await say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      expect([answer.status, answer.problem, answer.done]).toEqual([200, undefined, true]);
      expect(uploads()).toEqual([
        expect.objectContaining({
          mimeType: 'application/pdf',
          size: pdf.length,
          sha256: createHash('sha256').update(pdf).digest('hex'),
        }),
      ]);
      expect(asked()).toContainEqual({
        fileData: { mimeType: 'application/pdf', fileUri: uploads()[0]?.uri },
      });
      expect((await say([text('And now?')])).done).toBe(true);
      expect(asked()).toContainEqual({
        fileData: { mimeType: 'application/pdf', fileUri: uploads()[0]?.uri },
      });
      expect(uploads()).toHaveLength(1);
      expect(server.double.googleFiles.started).toBe(1);
    });

    it('are uploaded with the key of the call', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      const own = { 'x-google-api-key': 'key-of-ada' };
      const parts = [text('Read.'), file(path, 'application/pdf', 'plan.pdf')];
      expect((await server.say(ada, chatId, parts, { model: GEMINI }, own)).done).toBe(true);
      expect((await say([text('And with the key of the server?')])).done).toBe(true);
      expect(uploads().map(({ key }) => key)).toEqual(['key-of-ada', expect.not.stringContaining('ada')]);
    });

    it('are inside of the question as long as they fit', async () => {
      const path = await store(bytesOf('%PDF-1.7', 12), 'application/pdf', 'plan.pdf');
      expect((await say([text('Read.'), file(path, 'application/pdf')])).done).toBe(true);
      expect(uploads()).toEqual([]);
      expect(asked()).toContainEqual({
        inlineData: expect.objectContaining({ mimeType: 'application/pdf' }),
      });
    });

    it('are uploaded once more when Gemini no longer has them', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      await say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      server.double.googleFiles.forget();
      const answer = await say([text('And now?')]);
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(uploads()).toHaveLength(2);
      expect(asked()).toContainEqual({
        fileData: { mimeType: 'application/pdf', fileUri: uploads()[1]?.uri },
      });
    });

    it('are named in words when Gemini does not have them right after the upload either', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.forgetful = true;
      const answer = await say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(asked()).toContainEqual({ text: '[omitted file: plan.pdf]' });
      expect(asked()).not.toContainEqual(isUpload);
      expect(uploads()).toHaveLength(2);
    });

    it('fail the question that they belong to as a call does, and no later one', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.fault = { status: 404 };
      const parts = [text('Read.'), file(path, 'application/pdf', 'plan.pdf')];
      const { status, problem } = await say(parts);
      expect([status, problem?.['code'], problem?.['detail']]).toEqual([
        502,
        'upstream_error',
        'Google failed (status 404).',
      ]);
      server.double.googleFiles.fault = undefined;
      expect((await say(parts)).done).toBe(true);
      server.double.googleFiles.forget();
      server.double.googleFiles.fault = { status: 404 };
      const answer = await say([text('And now?')]);
      expect([answer.status, answer.done]).toEqual([200, true]);
      expect(asked()).toContainEqual({ text: '[omitted file: plan.pdf]' });
    });

    it('are uploaded again after a failure that passes', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.fault = { status: 503 };
      const answering = say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      await server.double.until(() => server.double.googleFiles.started === 1);
      server.double.googleFiles.fault = undefined;
      expect((await answering).done).toBe(true);
      expect(server.double.googleFiles.started).toBe(2);
    });

    it('that Gemini cannot process are refused by name', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.fault = 'processing fails';
      const { status, problem } = await say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      expect([status, problem?.['errors']]).toEqual([
        400,
        [
          {
            path: 'message.parts.1',
            message: 'Google could not process the file plan.pdf. Later questions leave it out.',
          },
        ],
      ]);
    });

    it('have a deadline', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.fault = 'stall';
      const { status, problem } = await say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      expect([status, problem?.['detail']]).toEqual([504, 'Google did not respond in time.']);
    });

    it('are no longer uploaded when the answer is stopped', async () => {
      const path = await store(pdf, 'application/pdf', 'plan.pdf');
      server.double.googleFiles.fault = 'stall';
      const answering = say([text('Read.'), file(path, 'application/pdf', 'plan.pdf')]);
      await server.double.until(() => server.double.googleFiles.started === 1);
      expect((await server.api(ada, 'POST', `/api/chat/${chatId}/stop`)).body).toEqual({ stopped: true });
      const begun = Date.now();
      const answer = await answering;
      expect(Date.now() - begun).toBeLessThan(3_000);
      expect([answer.status, answer.text]).toEqual([200, '']);
      expect(uploads()).toEqual([]);
    });
  });
});
