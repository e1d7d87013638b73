import { Children, type ComponentProps, isValidElement, useRef } from 'react';
import { CopyButton } from '../ui/copy-button.tsx';

/** Code in an answer, with its language and a button that copies it. */
export function CodeBlock({ children }: ComponentProps<'pre'>) {
  const code = useRef<HTMLPreElement>(null);
  return (
    <div className="code-block">
      <div className="code-block-head">
        <span>{languageOf(children)}</span>
        <CopyButton label="Copy the code" text={() => code.current?.textContent ?? ''} />
      </div>
      <pre ref={code} tabIndex={0}>
        <code>{textOfChildren(children)}</code>
      </pre>
    </div>
  );
}

function languageOf(children: ComponentProps<'pre'>['children']): string {
  const [child] = Children.toArray(children);
  const className = isValidElement<{ className?: string }>(child) ? child.props.className : undefined;
  return /language-(\S+)/.exec(className ?? '')?.[1] ?? 'text';
}

function textOfChildren(children: ComponentProps<'pre'>['children']): ComponentProps<'pre'>['children'] {
  const [child] = Children.toArray(children);
  return isValidElement<ComponentProps<'code'>>(child) ? child.props.children : children;
}
