import { v5 } from 'uuid';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { storedId } from '../support/client-ids.js';
import { messagesOf } from '../support/turns.js';

/**
 * An id that a client chooses belongs to its user: nobody else can compute the row that it maps to, and create it
 * first.
 */
describe('the ids of another user’s client', () => {
  let app: ChatApp;
  let alice: TestUser;
  let mallory: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    app.double.reset();
    [alice, mallory] = await Promise.all([app.createUser(), app.createUser()]);
  });

  it('cannot be taken for chats by someone who knows the user’s id', async () => {
    const taken = v5('chat-1', alice.id);
    expect((await app.request('POST', '/api/chats', { user: mallory, body: { id: taken } })).status).toBe(
      201,
    );
    const answer = await app.say(alice, 'chat-1', 'Hello!');
    expect(answer.status).toBe(200);
    const { body } = await app.request('GET', '/api/chats/chat-1', { user: alice });
    expect(body).toMatchObject({ userId: alice.id, isOwner: true });
    expect(body.id).not.toBe(taken);
  });

  it('cannot be taken for documents', async () => {
    const document = { title: 't', kind: 'text', content: 'x' };
    const taken = v5('notes', alice.id);
    await app.request('POST', '/api/documents', { user: mallory, body: { ...document, id: taken } });
    const mine = await app.request('POST', '/api/documents', {
      user: alice,
      body: { ...document, id: 'notes' },
    });
    expect(mine.status).toBe(201);
    expect((await app.request('GET', '/api/documents/notes', { user: alice })).body.id).toBe(mine.body.id);
  });

  it('cannot be taken for messages by someone who knows the chat’s id', async () => {
    const chatId = crypto.randomUUID();
    await app.request('POST', '/api/chats', { user: alice, body: { id: chatId, visibility: 'public' } });
    const own = crypto.randomUUID();
    for (const id of ['message-1', 'message-2']) {
      const answer = await app.post(mallory, { id: own, message: userMessage('Mine.', v5(id, chatId)) });
      expect(answer.status).toBe(200);
    }
    const answer = await app.post(alice, { id: chatId, message: userMessage('Hello!', 'message-1') });
    expect(answer.status).toBe(200);
    const [question] = await messagesOf(app, alice, chatId);
    expect(question!.id).toBe(await storedId(app, alice, 'message-1', chatId));
  });

  it('are mapped the same way on every route, and for every kind of resource', async () => {
    const first = await app.post(alice, { id: 'a-chat', message: userMessage('One?', 'm-1') });
    expect(first.status).toBe(200);
    const vote = await app.request('PUT', '/api/chats/a-chat/messages/m-1/vote', {
      user: alice,
      body: { isUpvoted: true },
    });
    expect(vote.status).toBe(200);
    const edited = await app.post(alice, { id: 'a-chat', message: userMessage('Two?', 'm-1') });
    expect(edited.status).toBe(200);
    expect(await messagesOf(app, alice, 'a-chat')).toHaveLength(2);
    const fork = await app.request('POST', '/api/chats/a-chat/fork', {
      user: alice,
      body: { messageId: 'm-1' },
    });
    expect(fork.status).toBe(201);
    const logs = await app.request('GET', '/api/usage/logs?chatId=a-chat', { user: alice });
    expect(logs.body.items.length).toBeGreaterThan(0);
    const deleted = await app.request('DELETE', '/api/chats/a-chat/messages?from=m-1', { user: alice });
    expect(deleted.body).toEqual({ deleted: 2 });
  });

  it('accept UUIDs of every form unchanged, also for the chats of messages', async () => {
    const chatId = '00000000-0000-0000-0000-00000000abcd';
    const answer = await app.post(alice, { id: chatId, message: userMessage('Hello!', 'm') });
    expect(answer.status).toBe(200);
    expect((await app.request('GET', `/api/chats/${chatId}`, { user: alice })).body.id).toBe(chatId);
  });

  it('do not reveal their namespace', async () => {
    await app.say(alice, 'a-chat', 'Hello!');
    const [row] = await app.database.query('select switchboard.id_namespace($1) as namespace', [alice.id]);
    const { namespace } = row;
    const [secret] = await app.database.query(
      `select encode(secret, 'hex') as secret from switchboard.client_id_secret`,
    );
    const admin = await app.createUser({ role: 'admin' });
    const answers = await Promise.all([
      ...['/api/me', '/api/me/export', '/api/chats', '/api/chats/a-chat', '/api/chats/a-chat/export'].map(
        (path) => app.request('GET', path, { user: alice }),
      ),
      app.request('GET', '/api/admin/users', { user: admin }),
    ]);
    for (const said of [...answers.map(({ text }) => text), app.log()]) {
      expect(said).not.toContain(namespace);
      expect(said).not.toContain(namespace.replaceAll('-', ''));
      expect(said).not.toContain(secret.secret);
    }
    expect(namespace).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const [again] = await app.database.query('select switchboard.id_namespace($1) as namespace', [
      mallory.id,
    ]);
    expect(again.namespace).not.toBe(namespace);
  });
});
