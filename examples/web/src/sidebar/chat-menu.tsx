import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useBackend } from '../api/backend.tsx';
import type { Chat, Page } from '../api/types.ts';
import { useDownload } from '../api/download.ts';
import { Menu } from '../ui/menu.tsx';
import { useNotices } from '../ui/notices.tsx';
import { DeleteDialog, RenameDialog, ShareDialog } from './chat-dialogs.tsx';

type Open = 'rename' | 'share' | 'delete';

/** What can be done with a chat. */
export function ChatMenu({ chat, isCurrent }: { chat: Chat; isCurrent: boolean }) {
  const { call } = useBackend();
  const notices = useNotices();
  const download = useDownload();
  const queryClient = useQueryClient();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState<Open>();
  const path = `/api/chats/${chat.id}`;

  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: ['chats'] }),
      queryClient.invalidateQueries({ queryKey: ['chat', chat.id] }),
    ]);

  async function attempt(work: () => Promise<void>) {
    try {
      await work();
      setOpen(undefined);
      await refresh();
    } catch (error) {
      notices.fail(error);
    }
  }

  const fork = () =>
    attempt(async () => {
      const last = await call<Page<{ id: string }>>(`${path}/messages?order=desc&limit=1`);
      const messageId = last.items[0]?.id;
      if (!messageId) return notices.say('The chat is empty.');
      const copy = await call<Chat>(`${path}/fork`, { method: 'POST', body: { messageId } });
      navigate(`/chats/${copy.id}`);
    });
  const save = (format: 'markdown' | 'json') =>
    void download(`${path}/export?format=${format}`, `${chat.title}.${format === 'json' ? 'json' : 'md'}`);

  return (
    <>
      <Menu
        label={`Actions for ${chat.title}`}
        items={[
          { icon: 'pencil', label: 'Rename', onSelect: () => setOpen('rename') },
          { icon: 'share', label: 'Share', onSelect: () => setOpen('share') },
          { icon: 'fork', label: 'Fork', onSelect: () => void fork() },
          { icon: 'download', label: 'Export as Markdown', onSelect: () => save('markdown') },
          { icon: 'code', label: 'Export as JSON', onSelect: () => save('json') },
          { icon: 'trash', label: 'Delete', onSelect: () => setOpen('delete'), isDanger: true },
        ]}
      />
      {open === 'rename' && (
        <RenameDialog
          chat={chat}
          onClose={() => setOpen(undefined)}
          onRename={(title) => void attempt(() => call(path, { method: 'PATCH', body: { title } }))}
        />
      )}
      {open === 'share' && (
        <ShareDialog
          chat={chat}
          onClose={() => setOpen(undefined)}
          onChange={(visibility) => void attempt(() => call(path, { method: 'PATCH', body: { visibility } }))}
        />
      )}
      {open === 'delete' && (
        <DeleteDialog
          chat={chat}
          onClose={() => setOpen(undefined)}
          onDelete={() =>
            void attempt(async () => {
              await call(path, { method: 'DELETE' });
              if (isCurrent) navigate('/');
            })
          }
        />
      )}
    </>
  );
}
