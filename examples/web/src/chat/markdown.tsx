import { Streamdown } from 'streamdown';
import { CodeBlock } from './code-block.tsx';

const components = { pre: CodeBlock };

/** Markdown, also while it is still being written. Raw HTML is sanitized, and nothing is loaded from elsewhere. */
export function Markdown({ children, isRunning = false }: { children: string; isRunning?: boolean }) {
  return (
    <div className="markdown">
      <Streamdown components={components} controls={false} isAnimating={isRunning}>
        {children}
      </Streamdown>
    </div>
  );
}
