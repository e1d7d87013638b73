import { useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { useBackend } from '../api/backend.tsx';
import type { Chat } from '../api/types.ts';
import { useNotices } from '../ui/notices.tsx';

/** In the place of the composer, for readers of someone else's chat. */
export function ReaderBar({ chatId, lastMessageId }: { chatId: string; lastMessageId: string | undefined }) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const [, navigate] = useLocation();

  async function fork() {
    try {
      const body = { messageId: lastMessageId };
      const copy = await call<Chat>(`/api/chats/${chatId}/fork`, { method: 'POST', body });
      await queryClient.invalidateQueries({ queryKey: ['chats'] });
      navigate(`/chats/${copy.id}`);
    } catch (error) {
      notices.fail(error);
    }
  }

  return (
    <div className="reader-bar">
      <p>This chat was shared with you.</p>
      <button
        type="button"
        className="button button-primary"
        onClick={() => void fork()}
        disabled={!lastMessageId}
      >
        Continue in a copy
      </button>
    </div>
  );
}
