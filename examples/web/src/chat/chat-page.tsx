import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { describeError } from '../api/problem.ts';
import type { Chat, Page } from '../api/types.ts';
import { createArtifactStore } from '../artifact/artifact-store.ts';
import { Loading } from '../ui/loading.tsx';
import type { ChatMessage } from './chat-message.ts';
import { Conversation } from './conversation.tsx';

interface ChatPageProps {
  chatId: string;
  /** Whether the server does not know the chat yet. */
  isNew: boolean;
  /** Called with the first message of a new chat. */
  onStart: () => void;
}

/** Loads a chat and the end of its conversation. */
export function ChatPage({ chatId, isNew, onStart }: ChatPageProps) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const [wasNew] = useState(isNew);
  const [isStored, setIsStored] = useState(!isNew);
  const [artifact] = useState(() =>
    createArtifactStore((id) => void queryClient.invalidateQueries({ queryKey: ['document', id] })),
  );
  const chat = useQuery({
    queryKey: ['chat', chatId],
    queryFn: () => call<Chat>(`/api/chats/${chatId}`),
    enabled: isStored,
  });
  const messages = useQuery({
    queryKey: ['messages', chatId],
    queryFn: () => call<Page<ChatMessage>>(`/api/chats/${chatId}/messages?order=desc&limit=50`),
    enabled: !wasNew,
    // From here on, the conversation itself knows best.
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });

  const error = messages.error ?? (wasNew ? undefined : chat.error);
  if (error) return <p className="fatal">{describeError(error)}</p>;
  if (!wasNew && !(messages.data && chat.data)) return <Loading />;
  return (
    <Conversation
      chatId={chatId}
      chat={chat.data}
      wasNew={wasNew}
      isStored={isStored}
      onStored={() => setIsStored(true)}
      initialMessages={messages.data?.items.toReversed() ?? []}
      olderCursor={messages.data?.nextCursor ?? null}
      artifact={artifact}
      onStart={onStart}
    />
  );
}
