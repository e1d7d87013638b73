import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { ownKeyHeaders } from '../api/own-keys.ts';
import type { DocumentVersion, Page, Suggestion } from '../api/types.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { useNotices } from '../ui/notices.tsx';

interface DocumentActionsProps {
  document: DocumentVersion;
  isLatest: boolean;
  onRestored: () => void;
}

export function DocumentActions({ document, isLatest, onRestored }: DocumentActionsProps) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const [isBusy, setIsBusy] = useState(false);
  const path = `/api/documents/${document.id}`;
  const canSuggest = document.kind === 'text' || document.kind === 'code';

  async function attempt(work: () => Promise<unknown>) {
    setIsBusy(true);
    try {
      await work();
      await queryClient.invalidateQueries({ queryKey: ['document', document.id] });
    } catch (error) {
      notices.fail(error);
    }
    setIsBusy(false);
  }

  const suggest = () =>
    attempt(async () => {
      const headers = ownKeyHeaders();
      const { items } = await call<Page<Suggestion>>(`${path}/suggestions`, {
        method: 'POST',
        body: {},
        headers,
      });
      if (items.length === 0) notices.say('There is nothing to suggest.');
    });
  const restore = () =>
    attempt(async () => {
      await call(`${path}/restore`, { method: 'POST', body: { version: document.createdAt } });
      onRestored();
    });

  return (
    <div className="artifact-actions">
      {document.kind !== 'image' && <CopyButton label="Copy the document" text={() => document.content} />}
      {!isLatest && (
        <button
          type="button"
          className="button button-small"
          disabled={isBusy}
          onClick={() => void restore()}
        >
          Restore
        </button>
      )}
      {isLatest && canSuggest && (
        <button
          type="button"
          className="button button-small"
          disabled={isBusy}
          onClick={() => void suggest()}
        >
          {isBusy ? 'Reading…' : 'Suggest edits'}
        </button>
      )}
    </div>
  );
}
