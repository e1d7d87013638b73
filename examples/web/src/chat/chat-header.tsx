import type { Chat } from '../api/types.ts';
import { formatCost, formatCount } from '../ui/format.ts';

/** The title, how full the context window is, and what the chat has cost. */
export function ChatHeader({ chat }: { chat: Chat | undefined }) {
  const { context, totalCost } = chat ?? {};
  return (
    <header className="chat-header">
      <h1>{chat?.title ?? 'New chat'}</h1>
      <div className="chat-figures">
        {context?.contextWindow ? (
          <ContextMeter used={context.inputTokens} size={context.contextWindow} />
        ) : null}
        {totalCost ? <span title="What this chat has cost">{formatCost(totalCost)}</span> : null}
      </div>
    </header>
  );
}

function ContextMeter({ used, size }: { used: number; size: number }) {
  const share = Math.min(1, used / size);
  const label = `${formatCount(used)} of ${formatCount(size)} tokens of the context used`;
  return (
    <span className="context-meter" title={label}>
      <meter aria-label="Context used" min={0} max={1} high={0.7} value={share} />
      <span>{share < 0.01 ? '<1' : Math.round(share * 100)}% context used</span>
    </span>
  );
}
