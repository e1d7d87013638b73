import { useSyncExternalStore } from 'react';

export const AGENTS = ['auto', 'chat', 'artifact', 'git_mcp'] as const;

/** What the next message asks for. It applies to all chats, and this browser remembers it. */
export interface ChatOptions {
  agent: (typeof AGENTS)[number];
  /** The default model of the agent if it is empty. */
  model: string;
  /** A connected GitHub repository. */
  repositoryId: string;
}

const STORAGE_KEY = 'switchboard.options';
const DEFAULTS: ChatOptions = { agent: 'auto', model: '', repositoryId: '' };
const listeners = new Set<() => void>();
let current = read();

function read(): ChatOptions {
  try {
    return {
      ...DEFAULTS,
      ...(JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as Partial<ChatOptions>),
    };
  } catch {
    return DEFAULTS;
  }
}

export const chatOptions = () => current;

export function setChatOptions(changes: Partial<ChatOptions>): void {
  current = { ...current, ...changes };
  localStorage.setItem(STORAGE_KEY, JSON.stringify(current));
  for (const listener of listeners) listener();
}

export function useChatOptions(): ChatOptions {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, chatOptions);
}
