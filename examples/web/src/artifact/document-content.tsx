import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { DocumentKind } from '../api/types.ts';
import { Markdown } from '../chat/markdown.tsx';
import { Loading } from '../ui/loading.tsx';
import { useNotices } from '../ui/notices.tsx';
import { Sheet } from './sheet.tsx';

const CodeEditor = lazy(() =>
  import('./code-editor.tsx').then(({ CodeEditor }) => ({ default: CodeEditor })),
);

interface DocumentContentProps {
  id: string;
  kind: DocumentKind;
  content: string;
  version: string | undefined;
  isEditing: boolean;
  isWriting: boolean;
  onSaved: () => void;
}

export function DocumentContent(props: DocumentContentProps) {
  const { kind, content, isEditing, isWriting } = props;
  if (isEditing) return <Editor {...props} />;
  return (
    <div className={`document document-${kind}`} tabIndex={0} role="region" aria-label="Content">
      {kind === 'text' && <Markdown isRunning={isWriting}>{content}</Markdown>}
      {kind === 'sheet' && <Sheet csv={content} />}
      {kind === 'image' && content && <img src={`data:image/png;base64,${content}`} alt="The document" />}
      {kind === 'code' && (
        <Suspense fallback={<Loading />}>
          <CodeEditor value={content} language="code" label="Code" />
        </Suspense>
      )}
    </div>
  );
}

function Editor({ id, kind, content, version, onSaved }: DocumentContentProps) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const [text, setText] = useState(content);

  async function save() {
    try {
      // Someone else's version must not be overwritten unseen.
      await call(`/api/documents/${id}`, { method: 'PUT', body: { content: text, baseVersion: version } });
      await queryClient.invalidateQueries({ queryKey: ['document', id] });
      onSaved();
    } catch (error) {
      notices.fail(error);
    }
  }

  return (
    <div className="document document-edit">
      <Suspense fallback={<Loading />}>
        <CodeEditor
          value={content}
          language={kind === 'text' ? 'markdown' : kind === 'code' ? 'code' : 'text'}
          label="Content"
          onChange={setText}
        />
      </Suspense>
      <div className="dialog-actions">
        <button
          type="button"
          className="button button-primary button-small"
          disabled={text === content || text.trim() === ''}
          onClick={() => void save()}
        >
          Save as a new version
        </button>
      </div>
    </div>
  );
}
