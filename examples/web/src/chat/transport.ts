import { DefaultChatTransport } from 'ai';
import type { Backend } from '../api/backend.tsx';
import { ownKeyHeaders } from '../api/own-keys.ts';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import type { ChatMessage } from './chat-message.ts';
import { chatOptions } from './chat-options.ts';

/** Sends the last message only: the server has the history. The options are read when a message is sent. */
export function createTransport(
  backend: Backend,
  artifact: ArtifactStore,
): DefaultChatTransport<ChatMessage> {
  return new DefaultChatTransport<ChatMessage>({
    api: `${backend.apiUrl}/api/chat`,
    headers: async () => ({ ...(await backend.authorization()), ...ownKeyHeaders() }),
    prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => {
      const { agent, model, repositoryId } = chatOptions();
      const documentId = artifact.current().document?.id;
      const options = {
        agent,
        ...(model && { model }),
        ...(repositoryId && { repositoryId }),
        ...(documentId && { documentId }),
      };
      return {
        body:
          trigger === 'regenerate-message'
            ? { id, trigger, messageId, ...options }
            : { id, message: messages.at(-1), ...options },
      };
    },
  });
}
