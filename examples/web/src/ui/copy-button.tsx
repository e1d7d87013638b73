import { useState } from 'react';
import { IconButton } from './icon-button.tsx';

/** Copies text, and shows for a moment that it did. */
export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [isCopied, setIsCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(text());
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 1_500);
  }
  return (
    <IconButton
      icon={isCopied ? 'check' : 'copy'}
      label={isCopied ? 'Copied' : label}
      onClick={() => void copy()}
    />
  );
}
