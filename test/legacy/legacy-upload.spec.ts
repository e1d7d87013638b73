import { file, FilesServer, PNG, text } from '../support/files-server.js';
import type { Person } from '../support/embedded-server.js';

describe("the old chatbot's upload, with storage", () => {
  let server: FilesServer;
  let ada: Person;

  beforeAll(async () => {
    server = await FilesServer.start({ LEGACY_ROUTES: 'true' });
    ada = await server.stack.signUp('ada@example.com');
  });
  afterAll(() => server?.stop());

  async function upload(name: string, bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Response> {
    const form = new FormData();
    form.append('file', new File([bytes], name, { type }));
    return fetch(`${server.stack.url}/api/files/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.accessToken}` },
      body: form,
    });
  }

  it('stores the file, and returns a URL that the frontend shows and sends', async () => {
    const response = await upload('mein Bild.png', PNG, 'image/png');
    expect(response.status).toBe(200);
    const { url, pathname } = (await response.json()) as { url: string; pathname: string };
    expect(pathname).toBe('mein_Bild.png');
    expect(url).not.toContain('base64');
    const shown = await fetch(url);
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await shown.arrayBuffer())).toEqual(PNG);

    const chatId = crypto.randomUUID();
    const answer = await server.say(ada, chatId, [text('Look.'), file(url)]);
    expect([answer.status, answer.done]).toEqual([200, true]);
    expect(server.told()).toContain(PNG.toString('base64'));
    const { body } = await server.api(ada, 'GET', '/api/files');
    expect(body.items).toMatchObject([{ contentType: 'image/png', size: PNG.length }]);
    const [message] = await server.stack.query<{ parts: Array<{ url?: string }> }>(
      `select parts from "Message_v2" where "chatId" = $1 and role = 'user'`,
      [chatId],
    );
    expect(message?.parts[1]?.url).toBe(body.items[0].path);
  });

  it('stores nothing that the old chatbot refused', async () => {
    const response = await upload('notes.txt', Buffer.from('text'), 'text/plain');
    expect(response.status).toBe(400);
    const { body } = await server.api(ada, 'GET', '/api/files');
    expect(body.items).toHaveLength(1);
  });
});
