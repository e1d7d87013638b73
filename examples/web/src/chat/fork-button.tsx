import { useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { useBackend } from '../api/backend.tsx';
import type { Chat } from '../api/types.ts';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';

/** Copies the chat up to a message. */
export function ForkButton({ chatId, messageId }: { chatId: string; messageId: string }) {
  const { call } = useBackend();
  const notices = useNotices();
  const queryClient = useQueryClient();
  const [, navigate] = useLocation();
  async function fork() {
    try {
      const copy = await call<Chat>(`/api/chats/${chatId}/fork`, { method: 'POST', body: { messageId } });
      await queryClient.invalidateQueries({ queryKey: ['chats'] });
      navigate(`/chats/${copy.id}`);
    } catch (error) {
      notices.fail(error);
    }
  }
  return <IconButton icon="fork" label="Continue in a copy from here" onClick={() => void fork()} />;
}
