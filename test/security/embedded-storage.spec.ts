import { SignJWT } from 'jose';
import { EmbeddedServer, type Person } from '../support/embedded-server.js';

/** What a signed-in user, or an anonymous client, may do with other users' files. */
describe('files in the embedded stack', () => {
  let stack: EmbeddedServer;
  let ada: Person;
  let eve: Person;
  let object: string;

  beforeAll(async () => {
    stack = await EmbeddedServer.start();
    await stack.openBucket();
    ada = await stack.signUp('ada@example.com');
    eve = await stack.signUp('eve@example.com');
    object = `/storage/v1/object/attachments/${ada.id}/secret.txt`;
  });
  afterAll(() => stack?.stop());

  const text = { 'content-type': 'text/plain' };

  beforeEach(async () => {
    await stack.request('POST', object, {
      token: ada.accessToken,
      body: 'secret',
      headers: { ...text, 'x-upsert': 'true' },
    });
  });

  afterEach(async () => {
    const { text: content } = await stack.request('GET', object, { token: ada.accessToken });
    expect(content).toBe('secret');
  });

  it('does not let a user with a file in a bucket empty it', async () => {
    await stack.request('POST', `/storage/v1/object/attachments/${eve.id}/own.txt`, {
      token: eve.accessToken,
      body: 'own',
      headers: text,
    });
    for (const token of [eve.accessToken, undefined]) {
      const { status } = await stack.request('POST', '/storage/v1/bucket/attachments/empty', { token });
      expect(status).toBe(403);
    }
  });

  it('only lets the operator create, change and remove buckets', async () => {
    for (const token of [eve.accessToken, undefined]) {
      for (const [method, path, body] of [
        ['POST', 'bucket', { id: 'evil', name: 'evil', public: true }],
        ['PUT', 'bucket/attachments', { public: true }],
        ['DELETE', 'bucket/attachments', undefined],
      ] as const) {
        expect((await stack.request(method, `/storage/v1/${path}`, { token, body })).status).toBe(403);
      }
    }
    const rows = await stack.query<{ id: string; public: boolean }>('select id, public from storage.buckets');
    expect(rows).toEqual([{ id: 'attachments', public: false }]);
    const key = stack.secrets.secretKey;
    const made = await stack.request('POST', '/storage/v1/bucket', { key, body: { id: 'b', name: 'b' } });
    expect(made.status).toBe(200);
    expect((await stack.request('DELETE', '/storage/v1/bucket/b', { key })).status).toBe(200);
  });

  it('does not read, write or move files of other users', async () => {
    for (const token of [eve.accessToken, undefined]) {
      const answers = await Promise.all([
        stack.request('GET', object, { token }),
        stack.request('GET', `/storage/v1/object/info/attachments/${ada.id}/secret.txt`, { token }),
        stack.request('GET', `/storage/v1/object/public/attachments/${ada.id}/secret.txt`, { token }),
        stack.request('POST', object, { token, body: 'x', headers: text }),
        stack.request('POST', object, { token, body: 'x', headers: { ...text, 'x-upsert': 'true' } }),
        stack.request('PUT', object, { token, body: 'x', headers: text }),
        stack.request('POST', `/storage/v1/object/sign/attachments/${ada.id}/secret.txt`, {
          token,
          body: { expiresIn: 60 },
        }),
        stack.request('POST', `/storage/v1/object/upload/sign/attachments/${ada.id}/secret.txt`, {
          token,
          headers: { 'x-upsert': 'true' },
        }),
        stack.request('POST', '/storage/v1/object/copy', {
          token,
          body: {
            bucketId: 'attachments',
            sourceKey: `${ada.id}/secret.txt`,
            destinationKey: `${eve.id}/mine.txt`,
          },
        }),
        stack.request('POST', '/storage/v1/object/move', {
          token,
          body: {
            bucketId: 'attachments',
            sourceKey: `${ada.id}/secret.txt`,
            destinationKey: `${eve.id}/mine.txt`,
          },
        }),
        stack.request('POST', '/storage/v1/object/move', {
          token,
          body: {
            bucketId: 'attachments',
            sourceKey: `${eve.id}/../${ada.id}/secret.txt`,
            destinationKey: `${eve.id}/mine.txt`,
          },
        }),
      ]);
      for (const { status, text: content } of answers) {
        expect([400, 401, 403, 404]).toContain(status);
        expect(content).not.toContain('"secret"');
      }
      const removed = await stack.request('DELETE', '/storage/v1/object/attachments', {
        token,
        body: { prefixes: [`${ada.id}/secret.txt`] },
      });
      expect(removed.text).not.toContain(ada.id);
      const listed = await stack.request('POST', '/storage/v1/object/list/attachments', {
        token,
        body: { prefix: '', search: ada.id },
      });
      expect(listed.text).not.toContain(ada.id);
    }
  });

  it('writes nothing into another user’s folder, however the name is spelled', async () => {
    await stack.request('POST', `/storage/v1/object/attachments/${eve.id}/own.txt`, {
      token: eve.accessToken,
      body: 'own',
      headers: { ...text, 'x-upsert': 'true' },
    });
    for (const name of [
      `${eve.id}/../${ada.id}/x`,
      `${eve.id}/..%2f${ada.id}/x`,
      `${eve.id}%2f..%2f${ada.id}/x`,
      `../attachments/${ada.id}/x`,
      `${ada.id.toUpperCase()}/x`,
      `/${ada.id}/x`,
    ]) {
      const answer = await stack.raw(
        `POST /storage/v1/object/attachments/${name} HTTP/1.1\r\nHost: x\r\napikey: ${stack.secrets.publishableKey}\r\n` +
          `Authorization: Bearer ${eve.accessToken}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
      );
      expect(`${name} ${answer.slice(0, 12)}`).toMatch(/ HTTP\/1\.1 40[0-4]$/);
    }
    for (const destinationKey of [`${ada.id}/x`, `${eve.id}/../${ada.id}/x`, `/${ada.id}/x`]) {
      for (const operation of ['copy', 'move']) {
        const { status } = await stack.request('POST', `/storage/v1/object/${operation}`, {
          token: eve.accessToken,
          body: { bucketId: 'attachments', sourceKey: `${eve.id}/own.txt`, destinationKey },
        });
        expect(status).toBe(400);
      }
    }
    const rows = await stack.query(
      `select name from storage.objects where name not like $1 and name not like $2`,
      [`${ada.id}/%`, `${eve.id}/%`],
    );
    expect(rows).toEqual([]);
  });

  it('accepts only its own signatures, for the one object and purpose', async () => {
    const key = new TextEncoder().encode(stack.secrets.jwtSecret);
    const sign = (claims: Record<string, unknown>, secret = key, expires = '1h') =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setExpirationTime(expires)
        .sign(secret);
    const name = `${ada.id}/secret.txt`;
    const right = { sub: name, bucket: 'attachments', intent: 'download' };
    const status = async (token: string, path = name) =>
      (
        await stack.request('GET', `/storage/v1/object/sign/attachments/${path}?token=${token}`, {
          key: null,
        })
      ).status;
    expect(await status(await sign(right))).toBe(200);
    const upload = { ...right, intent: 'upload', upsert: true, owner: ada.id };
    for (const token of [
      'x',
      eve.accessToken,
      await sign(right, new TextEncoder().encode('a key of the forger')),
      await sign(right, key, '-1s'),
      await sign(upload),
      await sign({ ...right, bucket: 'other' }),
      await sign({ ...right, sub: `${eve.id}/secret.txt` }),
    ]) {
      expect([400, 403, 500]).toContain(await status(token));
      expect(await status(token)).not.toBe(500);
    }
    const own = await sign({ ...right, sub: `${eve.id}/own.txt` });
    const answer = await stack.raw(
      `GET /storage/v1/object/sign/attachments/${eve.id}/../${name}?token=${own} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40[034]/);
    for (const token of [
      await sign(right),
      await sign({ ...upload, sub: `${eve.id}/x` }),
      eve.accessToken,
      'x',
    ]) {
      const put = await stack.request(
        'PUT',
        `/storage/v1/object/upload/sign/attachments/${name}?token=${token}`,
        {
          key: null,
          body: 'forged',
          headers: text,
        },
      );
      expect(put.status).toBe(403);
    }
  });

  it('does not accept a forged service token as the operator', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { role: 'service_role', iss: 'supabase', exp: 4_000_000_000 };
    const forged = [
      `${encode({ alg: 'none' })}.${encode(claims)}.`,
      `${encode({ alg: 'none' })}.${encode(claims)}.x`,
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(stack.secrets.publishableKey)),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS512' })
        .sign(new TextEncoder().encode(stack.secrets.jwtSecret)),
    ];
    for (const token of forged) {
      for (const key of [stack.secrets.publishableKey, null]) {
        expect(
          (
            await stack.request('POST', '/storage/v1/bucket', {
              token,
              key,
              body: { id: 'evil', name: 'evil' },
            })
          ).status,
        ).toBe(401);
        const read = await stack.request('GET', object, { token, key });
        expect([read.status >= 400, read.text.includes('secret.txt'), read.text]).toEqual([
          true,
          false,
          expect.not.stringMatching(/^secret$/),
        ]);
        expect((await stack.request('GET', '/auth/v1/admin/users', { token, key })).status).toBe(401);
      }
    }
  });

  it('serves a stored page without letting it run', async () => {
    await stack.request('POST', `/storage/v1/object/attachments/${eve.id}/page.html`, {
      token: eve.accessToken,
      body: '<script>alert(1)</script>',
      headers: { 'content-type': 'text/html', 'cache-control': 'max-age=1', 'x-upsert': 'true' },
    });
    const { headers } = await stack.request('GET', `/storage/v1/object/attachments/${eve.id}/page.html`, {
      token: eve.accessToken,
    });
    expect(headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('does not let a form put more than a media type into a header', async () => {
    const boundary = 'b';
    const body =
      `--${boundary}\r\nContent-Disposition: form-data; name=""; filename="x"\r\n` +
      `Content-Type: text/plain"\u000bx-evil: 1\r\n\r\nhello\r\n--${boundary}--\r\n`;
    const path = `/storage/v1/object/attachments/${eve.id}/header.txt`;
    const put = await stack.request('POST', path, {
      token: eve.accessToken,
      body,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'x-upsert': 'true' },
    });
    expect(put.status).toBe(200);
    const { headers, text: content } = await stack.request('GET', path, { token: eve.accessToken });
    expect([content, headers.get('content-type'), headers.get('x-evil')]).toEqual([
      'hello',
      'application/octet-stream',
      null,
    ]);
  });

  it('answers unusual requests without a server error, and without messages of the library', async () => {
    const list = (body: unknown) =>
      stack.request('POST', '/storage/v1/object/list/attachments', {
        token: eve.accessToken,
        body: body as object,
      });
    for (const body of [
      { prefix: '', sortBy: { column: 'name', order: 'asc; select pg_sleep(1)' } },
      { prefix: '', sortBy: { column: "name'; --", order: 'asc' } },
      { prefix: '', sortBy: 'name' },
      { prefix: '\u0000' },
      { prefix: '', limit: -1 },
      { prefix: '', offset: 1.5 },
      [],
      null,
      'x',
    ]) {
      const { status, text: content } = await list(body);
      expect([body, status, content]).toEqual([
        body,
        400,
        expect.not.stringMatching(/select|syntax|postgres|\.js/i),
      ]);
    }
    expect(
      (
        await stack.request('DELETE', '/storage/v1/object/attachments', {
          token: eve.accessToken,
          body: { prefixes: Array(2_000).fill('x') },
        })
      ).status,
    ).toBe(400);
  });
});
