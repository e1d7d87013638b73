import { useState, useSyncExternalStore } from 'react';
import type { Chat } from '../api/types.ts';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import { ArtifactPanel } from '../artifact/artifact-panel.tsx';
import { ChatHeader } from './chat-header.tsx';
import type { ChatMessage } from './chat-message.ts';
import { Composer } from './composer.tsx';
import { ErrorBanner } from './error-banner.tsx';
import { Messages } from './messages.tsx';
import { ReaderBar } from './reader-bar.tsx';
import { useConversation } from './use-conversation.ts';
import { Welcome } from './welcome.tsx';

interface ConversationProps {
  chatId: string;
  chat: Chat | undefined;
  wasNew: boolean;
  /** Whether the server knows the chat. The first message creates it. */
  isStored: boolean;
  onStored: () => void;
  initialMessages: ChatMessage[];
  olderCursor: string | null;
  artifact: ArtifactStore;
  onStart: () => void;
}

/** A chat, and the document next to it. */
export function Conversation({
  chatId,
  chat,
  wasNew,
  isStored,
  onStored,
  initialMessages,
  olderCursor,
  artifact,
  onStart,
}: ConversationProps) {
  const isOwner = chat?.isOwner ?? true;
  const conversation = useConversation({
    chatId,
    initialMessages,
    resume: !wasNew && isOwner,
    artifact,
    onStored,
  });
  const { messages, status, error, sendMessage, stop } = conversation;
  const { document, draft } = useSyncExternalStore(artifact.subscribe, artifact.current);
  const [starter, setStarter] = useState('');
  const isBusy = status === 'submitted' || status === 'streaming';
  const isEmpty = messages.length === 0;

  return (
    <div className={document ? 'workspace workspace-split' : 'workspace'}>
      <section className="conversation" aria-label="Chat">
        <ChatHeader chat={chat} />
        {isEmpty ? (
          <Welcome onChoose={setStarter} />
        ) : (
          <Messages
            chatId={chatId}
            conversation={conversation}
            isOwner={isOwner}
            isStored={isStored}
            olderCursor={olderCursor}
            onOpen={artifact.open}
          />
        )}
        {error && (
          <ErrorBanner
            error={error}
            onRetry={() => void conversation.retry()}
            onDismiss={conversation.clearError}
          />
        )}
        {isOwner ? (
          <Composer
            key={starter}
            initialText={starter}
            isBusy={isBusy}
            onStop={() => void stop()}
            onSend={(message) => {
              if (wasNew && isEmpty) onStart();
              void sendMessage(message);
            }}
          />
        ) : (
          <ReaderBar chatId={chatId} lastMessageId={messages.at(-1)?.id} />
        )}
      </section>
      {document && (
        <ArtifactPanel
          key={document.id}
          document={document}
          draft={draft}
          isOwner={isOwner}
          onClose={artifact.close}
        />
      )}
    </div>
  );
}
