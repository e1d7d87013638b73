import { useChat } from '@ai-sdk/react';
import { createClient } from '@supabase/supabase-js';
import { DefaultChatTransport } from 'ai';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { ChatOptions, Clients } from './types.ts';

declare global {
  interface Window {
    clients: Clients;
  }
}

const { VITE_API_URL = '', VITE_SUPABASE_PUBLISHABLE_KEY = '' } = import.meta.env as Record<string, string>;
const root = createRoot(document.getElementById('root')!);

window.clients = {
  supabase: createClient(VITE_API_URL, VITE_SUPABASE_PUBLISHABLE_KEY),
  showChat: (options) =>
    root.render(
      <StrictMode>
        <ChatView {...options} />
      </StrictMode>,
    ),
};

function ChatView({ id, messages: initial, token }: ChatOptions) {
  const [text, setText] = useState('');
  const { messages, status, error, sendMessage } = useChat({
    id,
    messages: initial,
    resume: true,
    transport: new DefaultChatTransport({
      api: `${VITE_API_URL}/api/chat`,
      headers: { Authorization: `Bearer ${token}` },
    }),
  });
  return (
    <main>
      <ol>
        {messages.map((message) => (
          <li key={message.id} data-role={message.role}>
            {message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}
          </li>
        ))}
      </ol>
      <output>{error ? error.message : status}</output>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void sendMessage({ text });
          setText('');
        }}
      >
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />
      </form>
    </main>
  );
}
