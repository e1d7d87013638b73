import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { Page, Vote } from '../api/types.ts';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import { useNotices } from '../ui/notices.tsx';
import { AssistantMessage } from './assistant-message.tsx';
import type { ChatMessage } from './chat-message.ts';
import type { useConversation } from './use-conversation.ts';
import { UserMessage } from './user-message.tsx';

interface MessagesProps {
  chatId: string;
  conversation: ReturnType<typeof useConversation>;
  isOwner: boolean;
  isStored: boolean;
  olderCursor: string | null;
  onOpen: ArtifactStore['open'];
}

/** The messages, kept at the end while an answer grows unless the reader has scrolled up. */
export function Messages({ chatId, conversation, isOwner, isStored, olderCursor, onOpen }: MessagesProps) {
  const { messages, status, regenerate, sendMessage, addToolApprovalResponse } = conversation;
  const { list, onScroll } = useStickToEnd(messages);
  const { votes, vote } = useVotes(chatId, isOwner && isStored);
  const isBusy = status === 'submitted' || status === 'streaming';
  const last = messages.at(-1);

  return (
    <div className="messages" ref={list} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
      <ol className="message-list">
        {olderCursor && <OlderMessages chatId={chatId} cursor={olderCursor} conversation={conversation} />}
        {messages.map((message) => (
          <li key={message.id} data-message-id={message.id} data-role={message.role}>
            {message.role === 'user' ? (
              <UserMessage
                message={message}
                canEdit={isOwner && !isBusy}
                onEdit={(text) => void sendMessage({ ...edited(message, text), messageId: message.id })}
              />
            ) : (
              <AssistantMessage
                chatId={chatId}
                message={message}
                isLast={message === last}
                isRunning={isBusy && message === last}
                isOwner={isOwner}
                vote={votes.get(message.id)}
                onVote={(isUpvoted) => void vote(message.id, isUpvoted)}
                onRegenerate={() => void regenerate({ messageId: message.id })}
                onOpen={onOpen}
                onDecide={(id, approved) => void addToolApprovalResponse({ id, approved })}
              />
            )}
          </li>
        ))}
        {status === 'submitted' && last?.role === 'user' && (
          <li className="thinking">
            <span className="pulse" aria-hidden="true" />
            <span className="visually-hidden">Waiting for the answer</span>
          </li>
        )}
      </ol>
      <p className="visually-hidden" role="status">
        {isBusy ? 'The answer is being written.' : ''}
      </p>
    </div>
  );
}

/** The message with other text. Its files stay. */
function edited(message: ChatMessage, text: string): Pick<ChatMessage, 'parts'> {
  return { parts: [...message.parts.filter(({ type }) => type === 'file'), { type: 'text', text }] };
}

function useStickToEnd(messages: ChatMessage[]) {
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (isAtEnd.current && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [messages]);
  const onScroll = () => {
    if (!list.current) return;
    const { scrollTop, scrollHeight, clientHeight } = list.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 80;
  };
  return { list, onScroll };
}

function useVotes(chatId: string, isEnabled: boolean) {
  const { call, callAll } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const key = ['votes', chatId];
  const { data } = useQuery({
    queryKey: key,
    queryFn: () => callAll<Vote>(`/api/chats/${chatId}/votes`),
    enabled: isEnabled,
  });
  const votes = new Map((data ?? []).map(({ messageId, isUpvoted }) => [messageId, isUpvoted]));
  async function vote(messageId: string, isUpvoted: boolean) {
    const path = `/api/chats/${chatId}/messages/${messageId}/vote`;
    try {
      if (votes.get(messageId) === isUpvoted) await call(path, { method: 'DELETE' });
      else await call(path, { method: 'PUT', body: { isUpvoted } });
      await queryClient.invalidateQueries({ queryKey: key });
    } catch (error) {
      notices.fail(error);
    }
  }
  return { votes, vote };
}

interface OlderMessagesProps {
  chatId: string;
  cursor: string;
  conversation: ReturnType<typeof useConversation>;
}

function OlderMessages({ chatId, cursor: first, conversation }: OlderMessagesProps) {
  const { call } = useBackend();
  const notices = useNotices();
  const [cursor, setCursor] = useState<string | null>(first);
  if (!cursor) return null;
  async function load() {
    try {
      const search = new URLSearchParams({ order: 'desc', limit: '50', cursor: cursor! });
      const page = await call<Page<ChatMessage>>(`/api/chats/${chatId}/messages?${search}`);
      conversation.setMessages((messages) => [...page.items.toReversed(), ...messages]);
      setCursor(page.nextCursor);
    } catch (error) {
      notices.fail(error);
    }
  }
  return (
    <li className="older">
      <button type="button" className="link" onClick={() => void load()}>
        Show earlier messages
      </button>
    </li>
  );
}
