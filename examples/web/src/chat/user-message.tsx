import { useState } from 'react';
import { IconButton } from '../ui/icon-button.tsx';
import { type ChatMessage, textOf } from './chat-message.ts';
import { FilePart } from './file-part.tsx';

interface UserMessageProps {
  message: ChatMessage;
  canEdit: boolean;
  onEdit: (text: string) => void;
}

export function UserMessage({ message, canEdit, onEdit }: UserMessageProps) {
  const [isEditing, setIsEditing] = useState(false);
  if (isEditing) {
    return (
      <MessageEditor
        text={textOf(message)}
        onCancel={() => setIsEditing(false)}
        onSave={(text) => {
          setIsEditing(false);
          onEdit(text);
        }}
      />
    );
  }
  return (
    <article className="message message-user" aria-label="You">
      <div className="bubble">
        {message.parts.map((part, index) =>
          part.type === 'file' ? (
            <FilePart key={index} part={part} />
          ) : part.type === 'text' ? (
            <p key={index} className="user-text">
              {part.text}
            </p>
          ) : null,
        )}
      </div>
      <div className="message-actions">
        {canEdit && <IconButton icon="pencil" label="Edit the message" onClick={() => setIsEditing(true)} />}
      </div>
    </article>
  );
}

interface MessageEditorProps {
  text: string;
  onCancel: () => void;
  onSave: (text: string) => void;
}

/** An edited message is sent again, and everything after it is replaced. */
function MessageEditor({ text: initial, onCancel, onSave }: MessageEditorProps) {
  const [text, setText] = useState(initial);
  const isBlank = text.trim() === '';
  return (
    <form
      className="message-editor"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(text);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel();
      }}
    >
      <textarea
        aria-label="Edited message"
        value={text}
        onChange={(event) => setText(event.target.value)}
        autoFocus
      />
      <div className="dialog-actions">
        <button type="button" className="button button-small" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="button button-primary button-small" disabled={isBlank}>
          Send
        </button>
      </div>
    </form>
  );
}
