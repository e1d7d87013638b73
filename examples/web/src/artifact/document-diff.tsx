import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { DocumentVersion } from '../api/types.ts';
import { Loading } from '../ui/loading.tsx';

const CodeEditor = lazy(() =>
  import('./code-editor.tsx').then(({ CodeEditor }) => ({ default: CodeEditor })),
);

/** What a version has changed. */
export function DocumentDiff({ document, previous }: { document: DocumentVersion; previous: string }) {
  const { call } = useBackend();
  const { id, content, createdAt } = document;
  const former = useQuery({
    queryKey: ['document', id, 'content', previous],
    queryFn: () => call<DocumentVersion>(`/api/documents/${id}?version=${encodeURIComponent(previous)}`),
    staleTime: Infinity,
  });
  if (!former.data) return <Loading />;
  return (
    <div className="document document-diff">
      <Suspense fallback={<Loading />}>
        <CodeEditor
          key={createdAt}
          value={content}
          original={former.data.content}
          language={document.kind === 'code' ? 'code' : 'text'}
          label="Changes"
        />
      </Suspense>
    </div>
  );
}
