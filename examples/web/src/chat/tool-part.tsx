import { type DynamicToolUIPart, getToolName, type ToolUIPart } from 'ai';
import type { DocumentKind } from '../api/types.ts';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { ApprovalCard } from './approval-card.tsx';

type AnyToolPart = ToolUIPart | DynamicToolUIPart;

interface ToolPartProps {
  part: AnyToolPart;
  onOpen: ArtifactStore['open'];
  onDecide: (approvalId: string, approved: boolean) => void;
}

/** A tool call: a card for documents, a question for approvals, and one line for everything else. */
export function ToolPart({ part, onOpen, onDecide }: ToolPartProps) {
  const name = getToolName(part);
  if (part.state === 'approval-requested') {
    return (
      <ApprovalCard
        name={name}
        input={part.input}
        onDecide={(approved) => onDecide(part.approval.id, approved)}
      />
    );
  }
  const document = part.state === 'output-available' ? documentOf(part.output) : undefined;
  if (document) return <DocumentCard document={document} onOpen={onOpen} />;
  return (
    <details className="tool-line">
      <summary>
        <Icon
          name={part.state === 'output-error' || part.state === 'output-denied' ? 'close' : 'sparkles'}
          size={15}
        />
        {TOOL_NAMES[name] ?? name}
        <span className="tool-state">{STATES[part.state]}</span>
      </summary>
      <pre tabIndex={0}>{JSON.stringify(part.input, null, 2)}</pre>
      {part.state === 'output-available' && <pre tabIndex={0}>{asText(part.output)}</pre>}
      {part.state === 'output-error' && <p>{part.errorText}</p>}
    </details>
  );
}

const TOOL_NAMES: Record<string, string> = {
  createDocument: 'Writing a document',
  updateDocument: 'Changing the document',
  requestSuggestions: 'Suggesting edits',
};

const STATES: Record<AnyToolPart['state'], string> = {
  'input-streaming': 'preparing…',
  'input-available': 'running…',
  'approval-requested': 'waiting for you',
  'approval-responded': 'approved',
  'output-available': 'done',
  'output-error': 'failed',
  'output-denied': 'declined',
};

interface ToolDocument {
  id: string;
  title: string;
  kind: DocumentKind;
}

function documentOf(output: unknown): ToolDocument | undefined {
  const { id, title, kind } = (output ?? {}) as Partial<ToolDocument>;
  return id && title !== undefined && kind ? { id, title, kind } : undefined;
}

const KIND_ICONS: Record<DocumentKind, IconName> = {
  text: 'fileText',
  code: 'code',
  image: 'image',
  sheet: 'table',
};

function DocumentCard({ document, onOpen }: { document: ToolDocument; onOpen: ArtifactStore['open'] }) {
  return (
    <button type="button" className="document-card" onClick={() => onOpen(document)}>
      <Icon name={KIND_ICONS[document.kind]} />
      <span>
        <strong>{document.title}</strong>
        <small>Open the document</small>
      </span>
    </button>
  );
}

const SHOWN = 4_000;

function asText(output: unknown): string {
  const text = typeof output === 'string' ? output : JSON.stringify(output, null, 2);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
