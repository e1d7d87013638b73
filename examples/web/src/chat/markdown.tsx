import type { ComponentProps } from 'react';
import { Streamdown } from 'streamdown';
import { CodeBlock } from './code-block.tsx';

const components = { pre: CodeBlock, img: Picture };
/** Links open in a new tab without a question. */
const LINKS = { enabled: false };

/** Markdown, also while it is still being written. Raw HTML is sanitized, and nothing is loaded from elsewhere. */
export function Markdown({ children, isRunning = false }: { children: string; isRunning?: boolean }) {
  return (
    <div className="markdown">
      <Streamdown components={components} controls={false} linkSafety={LINKS} isAnimating={isRunning}>
        {children}
      </Streamdown>
    </div>
  );
}

/** Pictures from elsewhere are links: their addresses could carry away what the chat contains. */
function Picture({ src, alt }: ComponentProps<'img'>) {
  if (src?.startsWith('data:')) return <img src={src} alt={alt ?? ''} />;
  return (
    <a href={src} target="_blank" rel="noreferrer">
      {alt || 'Picture'}
    </a>
  );
}
