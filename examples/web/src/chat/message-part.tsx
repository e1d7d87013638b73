import { isToolUIPart } from 'ai';
import type { ArtifactStore } from '../artifact/artifact-store.ts';
import type { ChatPart } from './chat-message.ts';
import { FilePart } from './file-part.tsx';
import { Markdown } from './markdown.tsx';
import { ToolPart } from './tool-part.tsx';

interface MessagePartProps {
  part: ChatPart;
  isRunning: boolean;
  onOpen: ArtifactStore['open'];
  onDecide: (approvalId: string, approved: boolean) => void;
}

/** One part of an answer. Parts that are shown elsewhere, or not at all, are nothing here. */
export function MessagePart({ part, isRunning, onOpen, onDecide }: MessagePartProps) {
  if (isToolUIPart(part)) return <ToolPart part={part} onOpen={onOpen} onDecide={onDecide} />;
  switch (part.type) {
    case 'text':
      return <Markdown isRunning={isRunning}>{part.text}</Markdown>;
    case 'reasoning':
      return part.text.trim() === '' ? null : (
        <details className="reasoning">
          <summary>{part.state === 'streaming' ? 'Thinking…' : 'Thoughts'}</summary>
          <Markdown>{part.text}</Markdown>
        </details>
      );
    case 'file':
      return <FilePart part={part} />;
    case 'data-draft':
      return part.data.content && !isRunning ? (
        <details className="reasoning">
          <summary>Unfinished draft{part.data.title ? ` of “${part.data.title}”` : ''}</summary>
          <pre tabIndex={0}>{part.data.content}</pre>
        </details>
      ) : null;
    default:
      return null;
  }
}
