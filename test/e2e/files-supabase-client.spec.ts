import type { Person } from '../support/embedded-server.js';
import { FilesServer, PNG } from '../support/files-server.js';

/** Supabase's own client works with the embedded storage as with Supabase. */
describe('the client of Supabase Storage', () => {
  let server: FilesServer;
  let ada: Person;
  let eve: Person;

  beforeAll(async () => {
    server = await FilesServer.start();
    ada = await server.stack.signUp('ada@example.com');
    eve = await server.stack.signUp('eve@example.com');
    const mine = bucketOf(ada);
    for (const name of ['a.png', 'b.png', 'deep/c.png', 'deep/d.png', 'deep/er/e.png', 'a_b.png'])
      expect((await mine.upload(`${ada.id}/${name}`, PNG, { contentType: 'image/png' })).error).toBeNull();
  });
  afterAll(() => server?.stop());

  const bucketOf = (person?: Person) => server.client(person).storage.from('attachments');

  it('lists a folder with relative names, including its folders', async () => {
    const { data } = await bucketOf(ada).list(ada.id);
    expect(data?.map(({ name, id }) => [name, id === null])).toEqual([
      ['a.png', false],
      ['a_b.png', false],
      ['b.png', false],
      ['deep', true],
    ]);
    expect(data?.[0]).toMatchObject({
      metadata: { size: PNG.length, mimetype: 'image/png' },
      created_at: expect.any(String),
    });
    const deep = await bucketOf(ada).list(`${ada.id}/deep`, {
      limit: 2,
      offset: 1,
      sortBy: { column: 'name', order: 'desc' },
    });
    expect(deep.data?.map(({ name }) => name)).toEqual(['d.png', 'c.png']);
    const found = await bucketOf(ada).list(ada.id, { search: 'a_' });
    expect(found.data?.map(({ name }) => name)).toEqual(['a_b.png']);
  });

  it('lists full paths, page by page', async () => {
    const bucket = bucketOf(ada);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { data, error } = await bucket.listV2({
        prefix: `${ada.id}/`,
        limit: 4,
        ...(cursor ? { cursor } : {}),
      });
      expect(error).toBeNull();
      expect(data?.hasNext).toBe(seen.length === 0);
      seen.push(...(data?.objects.map(({ name }) => name) ?? []));
      cursor = data?.nextCursor;
    } while (cursor);
    expect(seen).toHaveLength(6);
    expect(seen).toContain(`${ada.id}/deep/er/e.png`);
    const { data } = await bucket.listV2({ prefix: `${ada.id}/`, with_delimiter: true });
    expect(data?.folders).toEqual([{ name: `${ada.id}/deep/`, key: 'deep' }]);
    expect(data?.objects.map(({ name }) => name)).toEqual(
      ['a.png', 'a_b.png', 'b.png'].map((name) => `${ada.id}/${name}`),
    );
    expect((await bucket.listV2({ cursor: 'x' })).error).toMatchObject({ statusCode: '400' });
  });

  it('signs several URLs at once', async () => {
    const paths = [`${ada.id}/a.png`, `${ada.id}/none.png`, `${ada.id}/deep/c.png`];
    const { data, error } = await bucketOf(ada).createSignedUrls(paths, 60);
    expect(error).toBeNull();
    expect(
      data?.map(({ path, error: problem, signedUrl }) => [path, problem === null, Boolean(signedUrl)]),
    ).toEqual([
      [paths[0], true, true],
      [paths[1], false, false],
      [paths[2], true, true],
    ]);
    const response = await fetch(data?.[2]?.signedUrl ?? '');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    const other = (data?.[0]?.signedUrl ?? '').replace('/a.png', '/b.png');
    expect((await fetch(other)).status).toBeGreaterThanOrEqual(400);
  });

  it('signs, uploads, downloads, moves and removes', async () => {
    const bucket = bucketOf(ada);
    const path = `${ada.id}/signed.txt`;
    const { data: upload } = await bucket.createSignedUploadUrl(path);
    const put = await bucketOf().uploadToSignedUrl(path, upload?.token ?? '', 'hello', {
      contentType: 'text/plain',
    });
    expect([put.error, put.data?.fullPath]).toEqual([null, `attachments/${path}`]);
    expect(await (await bucket.download(path)).data?.text()).toBe('hello');
    const { data: link } = await bucket.createSignedUrl(path, 60, { download: 'words.txt' });
    const response = await fetch(link?.signedUrl ?? '');
    expect([await response.text(), response.headers.get('content-disposition')]).toEqual([
      'hello',
      expect.stringContaining('filename="words.txt"'),
    ]);
    const short = await bucket.createSignedUrl(path, 1);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await fetch(short.data?.signedUrl ?? '')).status).toBe(403);
    expect((await bucket.remove([path])).data).toHaveLength(1);
    expect((await bucket.exists(path).catch(() => ({ data: false }))).data).toBe(false);
  });

  it('has no access to files of other users', async () => {
    const path = `${ada.id}/a.png`;
    for (const bucket of [bucketOf(eve), bucketOf()]) {
      expect((await bucket.list(ada.id)).data ?? []).toEqual([]);
      expect((await bucket.list('')).data ?? []).toEqual([]);
      expect((await bucket.listV2({ prefix: ada.id })).data?.objects ?? []).toEqual([]);
      const several = await bucket.createSignedUrls([path], 60);
      expect(several.data?.every(({ signedUrl }) => !signedUrl) ?? true).toBe(true);
      expect((await bucket.createSignedUrl(path, 60)).error).not.toBeNull();
      expect((await bucket.createSignedUploadUrl(`${ada.id}/new.png`)).error).not.toBeNull();
      expect(
        (await bucket.upload(`${ada.id}/new.png`, PNG, { contentType: 'image/png' })).error,
      ).not.toBeNull();
      expect(
        (await bucket.upload(path, PNG, { contentType: 'image/png', upsert: true })).error,
      ).not.toBeNull();
      expect((await bucket.remove([path])).data ?? []).toEqual([]);
      expect((await bucket.download(path)).error).not.toBeNull();
    }
    expect((await bucketOf(ada).download(path)).error).toBeNull();
  });

  it("finds nothing for a deactivated user, whatever the user's token says", async () => {
    const bob = await server.stack.signUp('bob@example.com');
    const bucket = bucketOf(bob);
    expect((await bucket.upload(`${bob.id}/a.png`, PNG, { contentType: 'image/png' })).error).toBeNull();
    await server.stack.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"isActive": false}' where id = $1`,
      [bob.id],
    );
    expect((await bucket.list(bob.id)).data).toEqual([]);
    expect((await bucket.upload(`${bob.id}/b.png`, PNG, { contentType: 'image/png' })).error).not.toBeNull();
    expect((await bucket.download(`${bob.id}/a.png`)).error).not.toBeNull();
  });

  it('never gets a page that a browser would show under the URL of the API', async () => {
    await server.stack.query(`update storage.buckets set allowed_mime_types = null`);
    const bucket = bucketOf(ada);
    for (const [name, type] of [
      ['page.html', 'text/html'],
      ['drawing.svg', 'image/svg+xml'],
      ['odd', 'application/xhtml+xml'],
      ['script.js', 'text/javascript'],
    ] as const) {
      const path = `${ada.id}/${name}`;
      expect((await bucket.upload(path, '<script>1</script>', { contentType: type })).error).toBeNull();
      const { data } = await bucket.createSignedUrl(path, 60);
      const { headers } = await fetch(data?.signedUrl ?? '');
      expect([name, headers.get('content-disposition'), headers.get('content-security-policy')]).toEqual([
        name,
        expect.stringMatching(/^attachment/),
        expect.stringMatching(/^sandbox;/),
      ]);
    }
    const { data } = await bucket.createSignedUrl(`${ada.id}/a.png`, 60);
    expect((await fetch(data?.signedUrl ?? '')).headers.get('content-disposition')).toBeNull();
  });
});
