import { useDeferredValue } from 'react';
import { Link, useRoute } from 'wouter';
import { describeError } from '../api/problem.ts';
import type { Chat } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { Icon } from '../ui/icon.tsx';
import { ChatMenu } from './chat-menu.tsx';

export function ChatList({ query }: { query: string }) {
  const q = useDeferredValue(query);
  const [, current] = useRoute('/chats/:id');
  const search = new URLSearchParams({ limit: '30', ...(q && { q }) });
  const chats = usePages<Chat>(['chats', q], `/api/chats?${search}`, { keepsFormer: true });
  const { items } = chats;

  return (
    <div className="chat-list">
      {chats.error && <p className="hint">{describeError(chats.error)}</p>}
      {chats.data && items.length === 0 && (
        <p className="hint">{q ? 'No chat matches.' : 'Your chats will be here.'}</p>
      )}
      <ul aria-label="Chats">
        {items.map((chat) => (
          <li key={chat.id} className={chat.id === current?.id ? 'chat-row chat-row-current' : 'chat-row'}>
            <Link href={`/chats/${chat.id}`} aria-current={chat.id === current?.id ? 'page' : undefined}>
              <span className="chat-row-title">{chat.title}</span>
              {chat.visibility === 'public' && (
                <>
                  <Icon name="share" size={14} />
                  <span className="visually-hidden">Shared</span>
                </>
              )}
            </Link>
            <ChatMenu chat={chat} isCurrent={chat.id === current?.id} />
          </li>
        ))}
      </ul>
      {chats.hasNextPage && (
        <button type="button" className="link" onClick={() => void chats.fetchNextPage()}>
          Show more
        </button>
      )}
    </div>
  );
}
