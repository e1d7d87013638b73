/**
 * A chat in the terminal, with the clients that frontends use: `supabase-js` signs in, the AI SDK's transport streams.
 *
 *   npm start                                            # in one terminal; it prints the publishable key
 *   npx node examples/terminal-chat.ts sb_publishable_…  # in another; npx takes the project's own Node
 */
import { createInterface } from 'node:readline/promises';
import { createClient } from '@supabase/supabase-js';
import { DefaultChatTransport, type UIMessage } from 'ai';

const url = process.env['SWITCHBOARD_URL'] ?? 'http://127.0.0.1:3000';
const publishableKey = process.argv[2];
if (!publishableKey) throw new Error('usage: node examples/terminal-chat.ts <publishable key>');

const supabase = createClient(url, publishableKey, { auth: { persistSession: false } });
const credentials = { email: `terminal-${Date.now()}@example.com`, password: crypto.randomUUID() };
const { data, error } = await supabase.auth.signUp(credentials);
if (error ?? !data.session)
  throw error ?? new Error('There is no session. Does the email address need to be confirmed first?');

const transport = new DefaultChatTransport({
  api: `${url}/api/chat`,
  headers: { Authorization: `Bearer ${data.session.access_token}` },
});
const chatId = crypto.randomUUID();
const terminal = createInterface({ input: process.stdin, output: process.stdout });
const messages: UIMessage[] = [];

for (;;) {
  const text = await terminal.question('\n> ').catch(() => '');
  if (text.trim() === '') break;
  messages.push({ id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text }] });
  const stream = await transport.sendMessages({
    chatId,
    messages,
    trigger: 'submit-message',
    messageId: undefined,
    abortSignal: undefined,
  });
  for await (const chunk of stream) {
    if (chunk.type === 'text-delta') process.stdout.write(chunk.delta);
    if (chunk.type === 'error') process.stdout.write(`\n[${chunk.errorText}]`);
  }
  process.stdout.write('\n');
}
terminal.close();
