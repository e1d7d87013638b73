import type { ArtifactStore } from '../artifact/artifact-store.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { AGENT_NAMES, formatCost, formatCount } from '../ui/format.ts';
import { IconButton } from '../ui/icon-button.tsx';
import { type ChatMessage, textOf } from './chat-message.ts';
import { ForkButton } from './fork-button.tsx';
import { MessagePart } from './message-part.tsx';

interface AssistantMessageProps {
  chatId: string;
  message: ChatMessage;
  isLast: boolean;
  isRunning: boolean;
  isOwner: boolean;
  vote: boolean | undefined;
  onVote: (isUpvoted: boolean) => void;
  onRegenerate: () => void;
  onOpen: ArtifactStore['open'];
  onDecide: (approvalId: string, approved: boolean) => void;
}

export function AssistantMessage({ message, isRunning, onOpen, onDecide, ...rest }: AssistantMessageProps) {
  return (
    <article className="message message-assistant" aria-label="Assistant" aria-busy={isRunning}>
      {message.parts.map((part, index) => (
        <MessagePart key={index} part={part} isRunning={isRunning} onOpen={onOpen} onDecide={onDecide} />
      ))}
      <SourceList message={message} />
      {isRunning ? (
        <span className="pulse" aria-hidden="true" />
      ) : (
        <>
          <EndNote message={message} />
          <Actions message={message} {...rest} />
        </>
      )}
    </article>
  );
}

type ActionsProps = Omit<AssistantMessageProps, 'isRunning' | 'onOpen' | 'onDecide'>;

function Actions({ chatId, message, isLast, isOwner, vote, onVote, onRegenerate }: ActionsProps) {
  return (
    <div className="message-actions">
      <CopyButton label="Copy the answer" text={() => textOf(message)} />
      {isOwner && (
        <>
          <IconButton
            icon="thumbUp"
            label="Good answer"
            aria-pressed={vote === true}
            onClick={() => onVote(true)}
          />
          <IconButton
            icon="thumbDown"
            label="Bad answer"
            aria-pressed={vote === false}
            onClick={() => onVote(false)}
          />
          {isLast && <IconButton icon="refresh" label="Answer again" onClick={onRegenerate} />}
          <ForkButton chatId={chatId} messageId={message.id} />
        </>
      )}
      <Figures message={message} />
    </div>
  );
}

function Figures({ message: { metadata } }: { message: ChatMessage }) {
  if (!metadata?.model) return null;
  const { model, agentType, usage, cost, fallbackFor } = metadata;
  const figures = [
    agentType && agentType !== 'chat' && AGENT_NAMES[agentType],
    model.replace(/^[^/]*\//, ''),
    usage && `${formatCount(usage.totalTokens)} tokens`,
    cost !== undefined && cost > 0 && formatCost(cost),
  ].filter(Boolean);
  return (
    <span className="message-figures" title={fallbackFor && `In place of ${fallbackFor}`}>
      {figures.join(' · ')}
    </span>
  );
}

const ENDINGS: Record<string, string> = {
  stopped: 'You stopped this answer.',
  interrupted: 'The answer was interrupted.',
  failed: 'The answer could not be finished.',
};

function EndNote({ message: { metadata } }: { message: ChatMessage }) {
  const { status, finishReason } = metadata ?? {};
  const note =
    ENDINGS[status ?? ''] ??
    (finishReason === 'length'
      ? 'The answer was cut off at its limit.'
      : finishReason === 'content-filter' && 'The provider ended this answer.');
  return note ? <p className="end-note">{note}</p> : null;
}

function SourceList({ message }: { message: ChatMessage }) {
  const sources = message.parts.filter((part) => part.type === 'source-url');
  if (sources.length === 0) return null;
  return (
    <ul className="sources" aria-label="Sources">
      {sources.map(({ sourceId, url, title }) => (
        <li key={sourceId}>
          <a href={url} target="_blank" rel="noreferrer">
            {title ?? (URL.canParse(url) ? new URL(url).hostname : url)}
          </a>
        </li>
      ))}
    </ul>
  );
}
