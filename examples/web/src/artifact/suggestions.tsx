import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useBackend } from '../api/backend.tsx';
import type { Page, Suggestion } from '../api/types.ts';
import { useNotices } from '../ui/notices.tsx';

interface SuggestionsProps {
  documentId: string;
  /** The text of the latest version. */
  content: string;
  /** The latest versions. Suggestions belong to the version that they were made for, and an accepted one makes a new one. */
  versions: string[];
}

/** Proposed edits that still apply. */
export function Suggestions({ documentId, content, versions }: SuggestionsProps) {
  const { call } = useBackend();
  const queryClient = useQueryClient();
  const notices = useNotices();
  const pages = useQueries({
    queries: versions.map((version) => ({
      queryKey: ['document', documentId, 'suggestions', version],
      queryFn: () => {
        const search = new URLSearchParams({ version, resolved: 'false', limit: '100' });
        return call<Page<Suggestion>>(`/api/documents/${documentId}/suggestions?${search}`);
      },
    })),
  });
  const suggestions = pages
    .flatMap(({ data }) => data?.items ?? [])
    .filter(({ originalText }) => content.includes(originalText));
  if (suggestions.length === 0) return null;

  async function resolve({ id }: Suggestion, isAccepted: boolean) {
    try {
      if (isAccepted) await call(`/api/suggestions/${id}/apply`, { method: 'POST' });
      else await call(`/api/suggestions/${id}`, { method: 'PATCH', body: { isResolved: true } });
      await queryClient.invalidateQueries({ queryKey: ['document', documentId] });
    } catch (error) {
      notices.fail(error);
    }
  }

  return (
    <section className="suggestions" aria-label="Suggestions">
      <h2>Suggestions</h2>
      <ul>
        {suggestions.map((suggestion) => (
          <li key={suggestion.id}>
            {suggestion.description && <p>{suggestion.description}</p>}
            <p className="suggestion-text">
              <del>{suggestion.originalText}</del>
              <ins>{suggestion.suggestedText}</ins>
            </p>
            <div className="dialog-actions">
              <button
                type="button"
                className="button button-small"
                onClick={() => void resolve(suggestion, false)}
              >
                Reject
              </button>
              <button
                type="button"
                className="button button-primary button-small"
                onClick={() => void resolve(suggestion, true)}
              >
                Accept
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
