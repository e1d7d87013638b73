import type { FileUIPart } from 'ai';
import { useRef, useState } from 'react';
import { useNotices } from '../ui/notices.tsx';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { OptionsBar } from './options-bar.tsx';
import { useUpload } from './use-upload.ts';

interface ComposerProps {
  initialText: string;
  isBusy: boolean;
  onSend: (message: { text: string; files: FileUIPart[] }) => void;
  onStop: () => void;
}

/** Enter sends, Shift and Enter begin a new line. */
export function Composer({ initialText, isBusy, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState(initialText);
  const [files, setFiles] = useState<FileUIPart[]>([]);
  const [uploads, setUploads] = useState(0);
  const picker = useRef<HTMLInputElement>(null);
  const upload = useUpload();
  const notices = useNotices();
  const canSend = !isBusy && uploads === 0 && (text.trim() !== '' || files.length > 0);

  async function attach(chosen: Iterable<File>) {
    for (const file of chosen) {
      setUploads((count) => count + 1);
      try {
        const part = await upload(file);
        setFiles((all) => [...all, part]);
      } catch (error) {
        notices.fail(error);
      } finally {
        setUploads((count) => count - 1);
      }
    }
  }

  function send() {
    if (!canSend) return;
    onSend({ text: text.trim(), files });
    setText('');
    setFiles([]);
  }

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void attach(event.dataTransfer.files);
      }}
    >
      {(files.length > 0 || uploads > 0) && (
        <ul className="attachments" aria-label="Attachments">
          {files.map((file) => (
            <li key={file.url} className="file-chip">
              <Icon name={file.mediaType.startsWith('image/') ? 'image' : 'fileText'} size={16} />
              {file.filename}
              <IconButton
                icon="close"
                label={`Remove ${file.filename}`}
                onClick={() => setFiles((all) => all.filter((other) => other !== file))}
              />
            </li>
          ))}
          {uploads > 0 && <li className="file-chip">Uploading…</li>}
        </ul>
      )}
      <textarea
        aria-label="Message"
        placeholder="Ask anything"
        rows={1}
        value={text}
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onPaste={(event) => {
          if (event.clipboardData.files.length === 0) return;
          event.preventDefault();
          void attach(event.clipboardData.files);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <div className="composer-bar">
        <IconButton icon="paperclip" label="Attach files" onClick={() => picker.current?.click()} />
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void attach([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
        <OptionsBar />
        {isBusy ? (
          <IconButton icon="stop" label="Stop" className="send-button" onClick={onStop} />
        ) : (
          <IconButton icon="arrowUp" label="Send" type="submit" className="send-button" disabled={!canSend} />
        )}
      </div>
    </form>
  );
}
