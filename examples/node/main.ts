/**
 * A person's day with a typed client: models, a streamed answer, its messages, a document, usage.
 *
 *   npm start                                    # the server, in another terminal; it prints the publishable key
 *   npm install && npm run generate              # here
 *   SWITCHBOARD_KEY=sb_publishable_… node main.ts   # Node 24 runs TypeScript as it is
 */
import { parseJsonEventStream, uiMessageChunkSchema } from 'ai';
import { bodyOf, signIn } from './client.ts';

const url = process.env['SWITCHBOARD_URL'] ?? 'http://127.0.0.1:3000';
const publishableKey = process.env['SWITCHBOARD_KEY'];
if (!publishableKey) throw new Error('Set SWITCHBOARD_KEY to the publishable key.');

const { api } = await signIn(url, publishableKey, {
  email: process.env['SWITCHBOARD_EMAIL'] ?? 'node-example@example.com',
  password: process.env['SWITCHBOARD_PASSWORD'] ?? 'correct-horse-battery',
});

const me = bodyOf(await api.GET('/api/me'));
console.log(`Signed in as ${me.email} (${me.role})`);

const models = bodyOf(await api.GET('/api/models'));
const available = models.items.filter((model) => model.available);
console.log(`Models: ${available.map(({ id }) => id).join(', ') || 'the built-in demo model'}`);

const chatId = crypto.randomUUID();
const answer = await api.POST('/api/chat', {
  body: {
    id: chatId,
    message: { id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text: 'Hello!' }] },
  },
  parseAs: 'stream',
});
bodyOf(answer);
for await (const part of parseJsonEventStream({
  stream: answer.response.body!,
  schema: uiMessageChunkSchema,
})) {
  if (!part.success) throw part.error;
  if (part.value.type === 'text-delta') process.stdout.write(part.value.delta);
  if (part.value.type === 'error') throw new Error(part.value.errorText);
}
process.stdout.write('\n');

const messages = bodyOf(await api.GET('/api/chats/{id}/messages', { params: { path: { id: chatId } } }));
for (const { role, status, cost } of messages.items) console.log(`${role}: ${status}, ${cost ?? 0} USD`);

const document = bodyOf(
  await api.POST('/api/documents', {
    body: { title: 'Sowing calendar', kind: 'text', content: '# March\n' },
  }),
);
const changed = bodyOf(
  await api.PUT('/api/documents/{id}', {
    params: { path: { id: document.id } },
    body: { content: '# March\n\nTomatoes.\n', baseVersion: document.createdAt },
  }),
);
console.log(`${changed.title} has ${changed.content?.length} characters`);

const usage = bodyOf(await api.GET('/api/usage/summary', { params: { query: { tz: 'Europe/Berlin' } } }));
console.log(`${usage.calls} model calls, ${usage.totalTokens} tokens, ${usage.totalCost} USD`);

// Every refusal has a stable code.
const missing = await api.GET('/api/chats/{id}', { params: { path: { id: crypto.randomUUID() } } });
console.log(`A chat that does not exist: ${missing.response.status} ${missing.error?.code}`);
