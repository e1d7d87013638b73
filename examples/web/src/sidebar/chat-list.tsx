import { useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue } from 'react';
import { Link, useRoute } from 'wouter';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import type { Chat, Page } from '../api/types.ts';
import { Icon } from '../ui/icon.tsx';
import { ChatMenu } from './chat-menu.tsx';

export function ChatList({ query }: { query: string }) {
  const { call } = useBackend();
  const q = useDeferredValue(query);
  const [, current] = useRoute('/chats/:id');
  const chats = useInfiniteQuery({
    queryKey: ['chats', q],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({
        limit: '30',
        ...(q && { q }),
        ...(pageParam && { cursor: pageParam }),
      });
      return call<Page<Chat>>(`/api/chats?${search}`, { signal });
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: (former) => former,
  });
  const items = chats.data?.pages.flatMap((page) => page.items) ?? [];

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
