import { useChat } from '@ai-sdk/react';
import { useQueryClient } from '@tanstack/react-query';
import { lastAssistantMessageIsCompleteWithApprovalResponses } from 'ai';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { Chat } from '../api/types.ts';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import { newId } from '../ui/new-id.ts';
import type { ChatMessage } from './chat-message.ts';
import { createTransport } from './transport.ts';

interface ConversationOptions {
  chatId: string;
  initialMessages: ChatMessage[];
  /** Whether there may be an answer that is still being written. */
  resume: boolean;
  artifact: ArtifactStore;
  /** Called when the server has stored the question. */
  onStored: () => void;
}

/** `useChat` with this server. */
export function useConversation({
  chatId,
  initialMessages,
  resume,
  artifact,
  onStored,
}: ConversationOptions) {
  const backend = useBackend();
  const queryClient = useQueryClient();
  const [transport] = useState(() => createTransport(backend, artifact));

  const update = (changes: Partial<Chat>) =>
    queryClient.setQueryData<Chat>(['chat', chatId], (known) => known && { ...known, ...changes });

  const chat = useChat<ChatMessage>({
    id: chatId,
    messages: initialMessages,
    transport,
    generateId: newId,
    resume,
    throttle: 50,
    // Approvals are sent when every call that waits for one has it.
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    onData: (part) => {
      // Nothing of an answer arrives before the question is stored.
      onStored();
      if (part.type === 'data-context') update({ context: part.data });
      else if (part.type === 'data-chat-title') {
        update({ title: part.data.title });
        void queryClient.invalidateQueries({ queryKey: ['chats'] });
      } else artifact.receive(part);
    },
    onFinish: () => {
      artifact.settle();
      void queryClient.invalidateQueries({ queryKey: ['chat', chatId] });
      void queryClient.invalidateQueries({ queryKey: ['chats'] });
    },
  });

  /** The server stops the answer and ends the stream. Closing the connection alone would not stop it. */
  async function stop() {
    const { stopped } = await backend
      .call<{ stopped: boolean }>(`/api/chat/${chatId}/stop`, { method: 'POST' })
      .catch(() => ({ stopped: false }));
    if (!stopped) await chat.stop();
  }

  /** A question that was refused is sent again. An answer that failed is written again. */
  function retry() {
    return chat.messages.at(-1)?.role === 'user' ? chat.sendMessage() : chat.regenerate();
  }

  return { ...chat, stop, retry };
}
