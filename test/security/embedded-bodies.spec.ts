import { once } from 'node:events';
import { createClient } from '@supabase/supabase-js';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/chat-app.js';
import { EmbeddedServer, PASSWORD, type Person } from '../support/embedded-server.js';

const MB = 1024 ** 2;
/** Long enough for a valid body on a busy machine. */
const REQUEST_TIMEOUT = 4_000;
/** Shorter than that, so that no slot is free because its upload took too long. */
const SOON = 3_500;

describe('bodies for the embedded stack', () => {
  let stack: EmbeddedServer;
  let key: string;
  let ada: Person;

  beforeAll(async () => {
    stack = await EmbeddedServer.start({ REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT) });
    await stack.openBucket();
    key = stack.secrets.publishableKey;
    ada = await stack.signUp('ada@example.com');
  });
  afterAll(() => stack?.stop());

  /** Sends headers that promise more than the body has, and returns what is received while the connection is open. */
  async function answerToHead(lines: string[], first = ''): Promise<string> {
    const socket = stack.open(`${lines.join('\r\n')}\r\n\r\n${first}`);
    const timer = setTimeout(() => socket.destroy(), 4_000);
    const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [unknown];
    clearTimeout(timer);
    socket.destroy();
    return chunk instanceof Buffer ? chunk.toString('utf8') : '';
  }

  it('refuses a body that is too large for auth from the headers alone', async () => {
    for (const path of ['/auth/v1/signup', '/auth/v1/token?grant_type=password', '/auth/v1/x']) {
      const answer = await answerToHead([
        `POST ${path} HTTP/1.1`,
        'Host: x',
        `apikey: ${key}`,
        'Content-Type: application/json',
        `Content-Length: ${49 * MB}`,
      ]);
      expect(`${path} ${answer.slice(0, 12)}`).toMatch(/HTTP\/1\.1 (413|404)$/);
    }
  });

  it('stops at a megabyte if no length is given', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`;
    const answer = await stack.raw(
      `POST /auth/v1/signup HTTP/1.1\r\nHost: x\r\napikey: ${key}\r\nContent-Type: application/json\r\n` +
        `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413/);
    expect(answer).toContain('request_too_large');
  });

  it('accepts a body of just under a megabyte', async () => {
    const { status, body } = await stack.auth('token?grant_type=password', {
      email: 'nobody@example.com',
      password: PASSWORD,
      padding: 'x'.repeat(MB - 4096),
    });
    expect([status, body.error_code]).toEqual([400, 'invalid_credentials']);
  });

  it('refuses a file from the headers if no user is signed in', async () => {
    const path = `/storage/v1/object/attachments/${ada.id}/x.bin`;
    const heads: string[][] = [
      [],
      [`apikey: ${key}`],
      ['apikey: sb_publishable_wrong'],
      [`apikey: ${key}`, 'Authorization: Bearer not.a.token'],
      [`apikey: ${key}`, `Authorization: Bearer ${forge({ role: 'service_role', sub: ada.id })}`],
    ];
    for (const method of ['POST', 'PUT']) {
      for (const head of heads) {
        const answer = await answerToHead(
          [`${method} ${path} HTTP/1.1`, 'Host: x', ...head, `Content-Length: ${40 * MB}`],
          'first bytes',
        );
        expect(answer).toMatch(/^HTTP\/1\.1 40[13]/);
      }
    }
    const signed = await answerToHead(
      [
        `PUT /storage/v1/object/upload/sign/attachments/${ada.id}/x.bin?token=${ada.accessToken} HTTP/1.1`,
        'Host: x',
        `Content-Length: ${40 * MB}`,
      ],
      'first bytes',
    );
    expect(signed).toMatch(/^HTTP\/1\.1 403/);
  });

  it('refuses a file that is too large, by its length or as it arrives', async () => {
    const head = [
      `POST /storage/v1/object/attachments/${ada.id}/big.bin HTTP/1.1`,
      'Host: x',
      `apikey: ${key}`,
      `Authorization: Bearer ${ada.accessToken}`,
    ];
    expect(await answerToHead([...head, `Content-Length: ${51 * MB}`])).toMatch(/^HTTP\/1\.1 413/);
    const piece = `${MB.toString(16)}\r\n${'x'.repeat(MB)}\r\n`;
    const text = `${[...head, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`;
    const socket = stack.open(text);
    const received = once(socket, 'data');
    for (let sent = 0; sent < 52; sent += 1) {
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), received]);
    }
    const [chunk] = (await received) as [Buffer];
    socket.destroy();
    expect(chunk.toString('utf8')).toMatch(/^HTTP\/1\.1 413/);
    expect(leftovers()).toEqual([]);
    const { status } = await stack.request('GET', `/storage/v1/object/attachments/${ada.id}/big.bin`, {
      token: ada.accessToken,
    });
    expect(status).toBe(400);
  });

  it('keeps nothing of an interrupted upload, and keeps the existing file', async () => {
    const path = `/storage/v1/object/attachments/${ada.id}/kept.txt`;
    const options = { token: ada.accessToken, headers: { 'content-type': 'text/plain', 'x-upsert': 'true' } };
    expect((await stack.request('POST', path, { ...options, body: 'before' })).status).toBe(200);
    const socket = stack.open(
      `POST ${path} HTTP/1.1\r\nHost: x\r\napikey: ${key}\r\nAuthorization: Bearer ${ada.accessToken}\r\n` +
        `x-upsert: true\r\nContent-Type: text/plain\r\nContent-Length: ${MB}\r\n\r\nhalf of it`,
    );
    await eventually(() => Promise.resolve(leftovers().length > 0), SOON);
    socket.destroy();
    await eventually(() => Promise.resolve(leftovers().length === 0), SOON);
    expect((await stack.request('GET', path, options)).text).toBe('before');
  });

  it('stays small with many concurrent uploads', async () => {
    const people = [
      ada,
      ...(await Promise.all(['b', 'c', 'd'].map((name) => stack.signUp(`${name}@example.com`)))),
    ];
    const file = new Uint8Array(40 * MB);
    const before = stack.peakMemory();
    const statuses = await Promise.all(
      people.flatMap((person) =>
        [1, 2].map(async (number) => {
          const form = new FormData();
          form.append('cacheControl', '3600');
          form.append('', new Blob([file]));
          const { status } = await stack.request(
            'POST',
            `/storage/v1/object/attachments/${person.id}/large-${number}.bin`,
            { token: person.accessToken, body: number === 1 ? form : file },
          );
          return status;
        }),
      ),
    );
    expect(statuses).toEqual(people.flatMap(() => [200, 200]));
    // Eight files of 40 MB. A stream holds a small part of a megabyte of each.
    expect(stack.peakMemory() - before).toBeLessThan(150 * MB);
  });

  it('allows a user a few concurrent uploads, and releases their slots', async () => {
    const head = (name: string) =>
      `POST /storage/v1/object/attachments/${ada.id}/${name} HTTP/1.1\r\nHost: x\r\napikey: ${key}\r\n` +
      `Authorization: Bearer ${ada.accessToken}\r\nContent-Length: 1000\r\n\r\nhalf`;
    const held = [1, 2, 3, 4].map((number) => stack.open(head(`held-${number}`)));
    const options = { token: ada.accessToken, body: 'more', headers: { 'x-upsert': 'true' } };
    const more = async () =>
      (await stack.request('POST', `/storage/v1/object/attachments/${ada.id}/more`, options)).status;
    await eventually(() => Promise.resolve(leftovers().length === held.length), SOON);
    expect(await more()).toBe(429);
    held.forEach((socket) => socket.destroy());
    await eventually(async () => (await more()) === 200, SOON);
  });

  it('ends a body that stops arriving', async () => {
    const start = Date.now();
    const answers = await Promise.all(
      [
        `POST /auth/v1/signup HTTP/1.1\r\nHost: x\r\napikey: ${key}\r\nContent-Type: application/json\r\n`,
        `POST /storage/v1/object/attachments/${ada.id}/slow HTTP/1.1\r\nHost: x\r\napikey: ${key}\r\n` +
          `Authorization: Bearer ${ada.accessToken}\r\n`,
      ].map((head) => stack.raw(`${head}Content-Length: 1000\r\n\r\n{"email":`, 8 * REQUEST_TIMEOUT)),
    );
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408/);
    expect(Date.now() - start).toBeGreaterThanOrEqual(REQUEST_TIMEOUT - 100);
    expect(Date.now() - start).toBeLessThan(4 * REQUEST_TIMEOUT);
  });

  it('answers bodies of any other form without a server error', async () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    for (const path of [
      'signup',
      'token?grant_type=password',
      'token?grant_type=refresh_token',
      'verify',
      'otp',
      'recover',
    ]) {
      for (const body of [
        'null',
        '[]',
        '5',
        `{"data":[${'1,'.repeat(400_000)}1]}`,
        '"x"',
        '{',
        deep,
        '{"email":{}}',
        '{"email":"a\\u0000@b.co","password":"xxxxxxxx"}',
        '{"email":"a@b.co","password":["x"]}',
        '{"refresh_token":5}',
        '{"__proto__":{"a":1}}',
        '{"email":"a@b.co","password":"xxxxxxxx","data":[]}',
        '{"email":"\\u001b[2Ja@b.co","password":"xxxxxxxx"}',
      ]) {
        const { status, text } = await stack.request('POST', `/auth/v1/${path}`, {
          body,
          headers: { 'content-type': 'application/json' },
        });
        expect([path, body.slice(0, 40), status, text]).toEqual([
          path,
          body.slice(0, 40),
          400,
          expect.not.stringMatching(/at .*\.js|select |insert |postgres/i),
        ]);
      }
    }
  });

  it('passes on what the unmodified client sends, in every form', async () => {
    const client = createClient(stack.url, key, { auth: { persistSession: false, autoRefreshToken: false } });
    await client.auth.signInWithPassword({ email: ada.email, password: PASSWORD });
    const files = client.storage.from('attachments');
    for (const [name, body] of [
      ['text.txt', 'text'],
      ['blob.txt', new Blob(['text'], { type: 'text/plain' })],
      ['buffer.txt', Buffer.from('text')],
      ['array.txt', new TextEncoder().encode('text').buffer],
      ['empty.txt', ''],
    ] as const) {
      const { error } = await files.upload(`${ada.id}/forms/${name}`, body, {
        contentType: 'text/plain',
        upsert: true,
      });
      expect([name, error]).toEqual([name, null]);
      const { data } = await files.download(`${ada.id}/forms/${name}`);
      expect([name, await data?.text()]).toEqual([name, name === 'empty.txt' ? '' : 'text']);
    }
    expect(
      (await files.update(`${ada.id}/forms/text.txt`, 'new', { contentType: 'text/plain' })).error,
    ).toBeNull();
    expect((await files.copy(`${ada.id}/forms/text.txt`, `${ada.id}/forms/copy.txt`)).error).toBeNull();
    expect((await files.move(`${ada.id}/forms/copy.txt`, `${ada.id}/forms/moved.txt`)).error).toBeNull();
    const link = await files.createSignedUrl(`${ada.id}/forms/moved.txt`, 60);
    expect(await (await fetch(link.data?.signedUrl ?? '')).text()).toBe('new');
    expect(
      (await files.list(`${ada.id}/forms`, { sortBy: { column: 'name', order: 'desc' } })).data,
    ).toHaveLength(6);
  });

  /** Files of incomplete uploads. */
  function leftovers(): string[] {
    const folder = join(stack.dataDir, 'storage');
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.part'),
    );
  }

  /** For the server, an unsigned token and one signed with a forger's key are the same. */
  function forge(claims: object): string {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${encode({ alg: 'none', typ: 'JWT' })}.${encode({ ...claims, exp: 4_000_000_000 })}.x`;
  }
});
