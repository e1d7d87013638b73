import { useState } from 'react';
import type { Chat } from '../api/types.ts';
import { Dialog } from '../ui/dialog.tsx';

interface ChatDialogProps {
  chat: Chat;
  onClose: () => void;
}

export function RenameDialog({
  chat,
  onClose,
  onRename,
}: ChatDialogProps & { onRename: (title: string) => void }) {
  const [title, setTitle] = useState(chat.title);
  return (
    <Dialog title="Rename the chat" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onRename(title);
        }}
      >
        <label className="field">
          <span>Title</span>
          <input value={title} onChange={(event) => setTitle(event.target.value)} required autoFocus />
        </label>
        <footer className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary">
            Rename
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export function ShareDialog({
  chat,
  onClose,
  onChange,
}: ChatDialogProps & { onChange: (visibility: Chat['visibility']) => void }) {
  const isPublic = chat.visibility === 'public';
  const address = `${location.href.replace(/#.*/, '')}#/chats/${chat.id}`;
  return (
    <Dialog title="Share the chat" onClose={onClose}>
      <p>
        {isPublic
          ? 'Everyone who is signed in and has this link can read the chat.'
          : 'Only you can read the chat. If you share it, everyone who is signed in and has the link can read it.'}
      </p>
      {isPublic && (
        <label className="field">
          <span>Link</span>
          <input readOnly value={address} onFocus={(event) => event.target.select()} />
        </label>
      )}
      <footer className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
        <button
          type="button"
          className={isPublic ? 'button' : 'button button-primary'}
          onClick={() => onChange(isPublic ? 'private' : 'public')}
        >
          {isPublic ? 'Stop sharing' : 'Share'}
        </button>
      </footer>
    </Dialog>
  );
}

export function DeleteDialog({ chat, onClose, onDelete }: ChatDialogProps & { onDelete: () => void }) {
  return (
    <Dialog title="Delete the chat?" onClose={onClose}>
      <p>“{chat.title}” and its messages will be gone.</p>
      <footer className="dialog-actions">
        <button type="button" className="button" onClick={onClose} autoFocus>
          Cancel
        </button>
        <button type="button" className="button button-danger" onClick={onDelete}>
          Delete
        </button>
      </footer>
    </Dialog>
  );
}
