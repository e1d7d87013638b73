import { useSyncExternalStore } from 'react';

/** Keys that belong to the user. They stay in this browser until the user signs out. The server never stores them. */
export const KEY_FIELDS = [
  { header: 'x-google-api-key', label: 'Google AI', hint: 'AIza…' },
  { header: 'x-openai-api-key', label: 'OpenAI', hint: 'sk-…' },
  { header: 'x-anthropic-api-key', label: 'Anthropic', hint: 'sk-ant-…' },
  { header: 'x-github-token', label: 'GitHub token', hint: 'github_pat_…' },
] as const;

export type KeyHeader = (typeof KEY_FIELDS)[number]['header'];
export type OwnKeys = Partial<Record<KeyHeader, string>>;

const STORAGE_KEY = 'switchboard.keys';
const listeners = new Set<() => void>();
let current = read();

function read(): OwnKeys {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as OwnKeys;
  } catch {
    return {};
  }
}

export function ownKeys(): OwnKeys {
  return current;
}

/** As the headers of a request. */
export function ownKeyHeaders(): Record<string, string> {
  return { ...current };
}

export function setOwnKey(header: KeyHeader, value: string): void {
  const { [header]: _former, ...others } = current;
  current = value.trim() === '' ? others : { ...others, [header]: value.trim() };
  localStorage.setItem(STORAGE_KEY, JSON.stringify(current));
  for (const listener of listeners) listener();
}

/** The next user of this browser must not spend the money of the last one. */
export function forgetOwnKeys(): void {
  current = {};
  localStorage.removeItem(STORAGE_KEY);
  for (const listener of listeners) listener();
}

export function useOwnKeys(): OwnKeys {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, ownKeys);
}
