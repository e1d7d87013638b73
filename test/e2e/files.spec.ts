import type { Person } from '../support/embedded-server.js';
import { FilesServer, PNG } from '../support/files-server.js';

const HOUR = 3_600_000;

describe('users\u2019 files', () => {
  let server: FilesServer;
  let ada: Person;
  let eve: Person;
  let people = 0;

  beforeAll(async () => {
    server = await FilesServer.start();
  });
  afterAll(() => server?.stop());

  beforeEach(async () => {
    people += 1;
    ada = await server.stack.signUp(`ada${people}@example.com`);
    eve = await server.stack.signUp(`eve${people}@example.com`);
  });

  const create = (person: Person, more: object = {}) =>
    server.api(person, 'POST', '/api/files', {
      filename: 'cat.png',
      contentType: 'image/png',
      size: PNG.length,
      ...more,
    });
  const at = (path: string) => `path=${encodeURIComponent(path)}`;

  it('are uploaded with a signed URL, listed, read and deleted', async () => {
    const { status, body } = await create(ada);
    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(['expiresAt', 'path', 'token', 'uploadUrl']);
    expect(body.path).toMatch(new RegExp(`^${ada.id}/[0-9a-f-]{36}/cat\\.png$`));
    const left = Date.parse(body.expiresAt) - Date.now();
    expect(left > HOUR && left <= 2 * HOUR + 1_000).toBe(true);
    const put = await fetch(body.uploadUrl, {
      method: 'PUT',
      headers: { 'content-type': 'image/png' },
      body: PNG,
    });
    expect(put.status).toBe(200);

    const list = await server.api(ada, 'GET', '/api/files');
    expect(list.body).toEqual({
      items: [
        {
          path: body.path,
          filename: 'cat.png',
          contentType: 'image/png',
          size: PNG.length,
          createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        },
      ],
      nextCursor: null,
    });
    const link = await server.api(ada, 'GET', `/api/files/url?${at(body.path)}`);
    expect(link.status).toBe(200);
    expect(Date.parse(link.body.expiresAt)).toBeGreaterThan(Date.now() + HOUR - 10_000);
    expect(Buffer.from(await (await fetch(link.body.url)).arrayBuffer()).equals(PNG)).toBe(true);

    const gone = await server.api(ada, 'DELETE', `/api/files?${at(body.path)}`);
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await server.api(ada, 'DELETE', `/api/files?${at(body.path)}`)).status).toBe(404);
    expect((await server.api(ada, 'GET', '/api/files')).body.items).toEqual([]);
    expect((await fetch(link.body.url)).status).toBeGreaterThanOrEqual(400);
  });

  it('are listed page by page, the newest first, without gaps', async () => {
    const paths: string[] = [];
    for (let number = 0; number < 5; number++)
      paths.unshift(await server.upload(ada, `${number}.png`, 'image/png', PNG));
    await server.upload(eve, 'hers.png', 'image/png', PNG);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await server.api(ada, 'GET', `/api/files?limit=2${query}`);
      seen.push(...body.items.map(({ path }: { path: string }) => path));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(paths);
  });

  it('are visible to their owner only', async () => {
    const path = await server.upload(ada, 'secret.png', 'image/png', PNG);
    for (const wanted of [
      path,
      path.replace(ada.id, eve.id),
      `${eve.id}/../${path}`,
      `${eve.id}/..%2f${path}`,
      `/${path}`,
      '../../etc/passwd',
      `${ada.id.toUpperCase()}${path.slice(36)}`,
      'x',
    ]) {
      expect([wanted, (await server.api(eve, 'GET', `/api/files/url?${at(wanted)}`)).status]).toEqual([
        wanted,
        404,
      ]);
      expect([wanted, (await server.api(eve, 'DELETE', `/api/files?${at(wanted)}`)).status]).toEqual([
        wanted,
        404,
      ]);
    }
    expect((await server.api(ada, 'GET', `/api/files/url?${at(path)}`)).status).toBe(200);
    expect((await server.api(eve, 'GET', '/api/files')).body.items).toEqual([]);
  });

  it('have names of plain letters below the user’s folder, whatever their original name', async () => {
    for (const [filename, expected] of [
      ['../../../etc/passwd', 'etc_passwd'],
      ['..', 'file'],
      ['.htaccess', 'file.htaccess'],
      ['Grüße aus Köln.PDF', 'Gru_e_aus_Koln.PDF'],
      ['a\\..\\b.png', 'a_._b.png'],
      ['猫.png', 'file.png'],
      ['evil\u202egnp.exe', 'evil_gnp.exe'],
      ['a?b#c%2e%2e.png', 'a_b_c_2e_2e.png'],
      ['x'.repeat(255), 'x'.repeat(100)],
      ['a..b.png', 'a.b.png'],
    ]) {
      const { status, body } = await create(ada, { filename });
      expect([filename, status, body.path?.split('/').slice(2)]).toEqual([filename, 201, [expected]]);
      expect(body.path.startsWith(`${ada.id}/`)).toBe(true);
    }
  });

  it('are refused if they are too large, of a wrong type, or not described', async () => {
    const answers = await Promise.all([
      create(ada, { size: 20 * 1024 ** 2 + 1 }),
      create(ada, { contentType: 'text/html' }),
      create(ada, { contentType: 'image/svg+xml' }),
      create(ada, { contentType: 'image' }),
      create(ada, { size: 0 }),
      create(ada, { size: '5' }),
      create(ada, { filename: '' }),
      create(ada, { more: true }),
      create(ada, { contentType: 'text/plain; charset=utf-8' }),
    ]);
    expect(answers.map(({ status, body }) => [status, body.code ?? null])).toEqual([
      [413, 'payload_too_large'],
      [415, 'unsupported_media_type'],
      [415, 'unsupported_media_type'],
      [400, 'validation_failed'],
      [400, 'validation_failed'],
      [400, 'validation_failed'],
      [400, 'validation_failed'],
      [400, 'validation_failed'],
      [201, null],
    ]);
  });

  it('cannot be larger or of another type than declared to storage', async () => {
    const { body } = await create(ada, { size: 1 });
    const put = (bytes: Buffer<ArrayBuffer>, contentType: string) =>
      fetch(body.uploadUrl, { method: 'PUT', headers: { 'content-type': contentType }, body: bytes });
    expect((await put(Buffer.from('<script>1</script>'), 'text/html')).status).toBe(415);
    expect((await put(Buffer.alloc(20 * 1024 ** 2 + 1), 'image/png')).status).toBe(413);
    // Without a length, and as a form, whose length differs from the length of the file.
    const large = new Blob([Buffer.alloc(21 * 1024 ** 2)], { type: 'image/png' });
    const stream = await fetch(body.uploadUrl, {
      method: 'PUT',
      headers: { 'content-type': 'image/png' },
      body: large.stream(),
      duplex: 'half',
    } as RequestInit);
    expect(stream.status).toBe(413);
    const form = await server.client(ada).storage.from('attachments').upload(`${ada.id}/large.png`, large);
    expect(form.error).toMatchObject({ status: 413 });
    expect((await server.api(ada, 'GET', '/api/files')).body.items).toEqual([]);
  });

  it('are uploaded once with a token, and only to its path', async () => {
    const { body } = await create(ada);
    const bucket = server.client().storage.from('attachments');
    const png = { contentType: 'image/png' };
    const other = body.path.replace('cat.png', 'dog.png');
    expect((await bucket.uploadToSignedUrl(other, body.token, PNG, png)).error).not.toBeNull();
    const both = await Promise.all([
      bucket.uploadToSignedUrl(body.path, body.token, PNG, png),
      bucket.uploadToSignedUrl(body.path, body.token, Buffer.concat([PNG, PNG]), png),
    ]);
    expect(both.filter(({ error }) => error === null)).toHaveLength(1);
    const again = await bucket.uploadToSignedUrl(body.path, body.token, Buffer.from('x'), {
      contentType: 'text/plain',
    });
    expect(again.error).toMatchObject({ statusCode: '409' });
    const { items } = (await server.api(ada, 'GET', '/api/files')).body;
    const kept = await server.client(ada).storage.from('attachments').download(body.path);
    expect(items.map(({ size }: { size: number }) => size)).toEqual([kept.data?.size]);
    const [head, payload, signature] = body.token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...claims, exp: 9_999_999_999 })).toString('base64url');
    const forgery = await bucket.uploadToSignedUrl(other, `${head}.${forged}.${signature}`, PNG, png);
    expect(forgery.error).toMatchObject({ statusCode: '403' });
  });

  it('follow the limits that an administrator sets', async () => {
    await server.stack.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
      [eve.id],
    );
    const change = (files: object | null) =>
      server.api(eve, 'PATCH', '/api/admin/config/app_settings', { configData: { files } });
    const { body: before } = await server.api(eve, 'GET', '/api/admin/config/app_settings');
    const limits = { maxSize: 100, types: ['image/*'], moveDataUrlsFrom: 2_048 };
    expect((await change({ ...limits, maxSize: 20 * 1024 ** 2 + 1 })).status).toBe(400);
    expect((await change(limits)).status).toBe(200);
    try {
      expect((await create(ada, { contentType: 'image/svg+xml', size: 100 })).status).toBe(201);
      expect((await create(ada, { size: 101 })).status).toBe(413);
      expect((await create(ada, { contentType: 'text/plain', size: 1 })).status).toBe(415);
      let row: unknown;
      for (let count = 0; count < 100; count++) {
        [row] = await server.stack.query(
          'select file_size_limit::int as size, allowed_mime_types as types, public from storage.buckets',
        );
        if ((row as { size: number }).size === 100) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(row).toEqual({ size: 100, types: ['image/*'], public: false });
    } finally {
      await change(before.configData.files);
    }
  });
});
