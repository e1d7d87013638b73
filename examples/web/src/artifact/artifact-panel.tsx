import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import type { DocumentVersion } from '../api/types.ts';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { Loading } from '../ui/loading.tsx';
import type { ArtifactState } from './artifact-store.ts';
import { DocumentActions } from './document-actions.tsx';
import { DocumentContent } from './document-content.tsx';
import { DocumentDiff } from './document-diff.tsx';
import { Suggestions } from './suggestions.tsx';

interface ArtifactPanelProps {
  document: NonNullable<ArtifactState['document']>;
  draft: string | undefined;
  isOwner: boolean;
  onClose: () => void;
}

export const MODES = ['read', 'edit', 'changes'] as const;
export type Mode = (typeof MODES)[number];
/** Suggestions of older versions are rarely of use. */
const SUGGESTED_VERSIONS = 4;
const MODE_NAMES: Record<Mode, string> = { read: 'Read', edit: 'Edit', changes: 'Changes' };

/** The document next to the chat: its content while it is written, and its versions after that. */
export function ArtifactPanel({
  document: { id, title, kind },
  draft,
  isOwner,
  onClose,
}: ArtifactPanelProps) {
  const { call, callAll } = useBackend();
  const [mode, setMode] = useState<Mode>('read');
  const [chosen, setChosen] = useState('');
  const isWriting = draft !== undefined;

  const versions = useQuery({
    queryKey: ['document', id, 'versions'],
    queryFn: () => callAll<DocumentVersion>(`/api/documents/${id}/versions`),
    enabled: !isWriting,
  });
  const list = versions.data ?? [];
  const index = chosen ? list.findIndex(({ createdAt }) => createdAt === chosen) : list.length - 1;
  const version = list[index];
  const isLatest = index === list.length - 1;
  const content = useQuery({
    queryKey: ['document', id, 'content', version?.createdAt],
    queryFn: () =>
      call<DocumentVersion>(`/api/documents/${id}?version=${encodeURIComponent(version!.createdAt)}`),
    enabled: version !== undefined && !isWriting,
    staleTime: Infinity,
  });
  const shown = draft ?? content.data?.content;
  const modes = MODES.filter(
    (name) =>
      name === 'read' ||
      (kind !== 'image' && (name === 'edit' ? isOwner && isLatest : list.length > 1 && index > 0)),
  );
  const current = modes.includes(mode) && !isWriting ? mode : 'read';

  return (
    <aside className="artifact" aria-label={`Document ${title}`} aria-busy={isWriting}>
      <header className="artifact-header">
        <h2>{content.data?.title ?? title}</h2>
        <IconButton icon="close" label="Close the document" onClick={onClose} />
      </header>
      <div className="artifact-bar">
        <div className="segments" role="group" aria-label="View">
          {modes.map((name) => (
            <button key={name} type="button" aria-pressed={name === current} onClick={() => setMode(name)}>
              {MODE_NAMES[name]}
            </button>
          ))}
        </div>
        {isWriting ? (
          <span className="artifact-note">
            <span className="pulse" aria-hidden="true" /> Writing…
          </span>
        ) : (
          <VersionSelect versions={list} index={index} onChoose={setChosen} />
        )}
        {!isWriting && content.data && isOwner && (
          <DocumentActions document={content.data} isLatest={isLatest} onRestored={() => setChosen('')} />
        )}
      </div>
      {shown === undefined ? (
        <Loading />
      ) : current === 'changes' && content.data ? (
        <DocumentDiff document={content.data} previous={list[index - 1]!.createdAt} />
      ) : (
        <DocumentContent
          key={`${version?.createdAt}-${current}`}
          id={id}
          kind={kind}
          content={shown}
          version={version?.createdAt}
          isEditing={current === 'edit'}
          isWriting={isWriting}
          onSaved={() => setMode('read')}
        />
      )}
      {!isWriting && isLatest && isOwner && content.data && kind !== 'image' && (
        <Suggestions
          documentId={id}
          content={content.data.content}
          versions={list.slice(-SUGGESTED_VERSIONS).map(({ createdAt }) => createdAt)}
        />
      )}
    </aside>
  );
}

interface VersionSelectProps {
  versions: DocumentVersion[];
  index: number;
  onChoose: (createdAt: string) => void;
}

function VersionSelect({ versions, index, onChoose }: VersionSelectProps) {
  if (versions.length === 0) return null;
  return (
    <label className="version-select">
      <span className="visually-hidden">Version</span>
      <select
        value={versions[index]?.createdAt}
        onChange={(event) =>
          onChoose(event.target.value === versions.at(-1)?.createdAt ? '' : event.target.value)
        }
      >
        {versions.map(({ createdAt }, number) => (
          <option key={createdAt} value={createdAt}>
            Version {number + 1}
            {number === versions.length - 1 ? ' (latest)' : ''}
          </option>
        ))}
      </select>
      <Icon name="chevronDown" size={14} />
    </label>
  );
}
