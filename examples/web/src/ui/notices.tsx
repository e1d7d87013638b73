import { createContext, type ReactNode, use, useCallback, useMemo, useState } from 'react';
import { describeError } from '../api/problem.ts';
import { newId } from './new-id.ts';

interface Notice {
  id: string;
  text: string;
  isError: boolean;
}

export interface Notices {
  say: (text: string) => void;
  fail: (error: unknown) => void;
}

const NoticesContext = createContext<Notices | undefined>(undefined);
const SHOWN_FOR = 6_000;

/** Short messages at the edge of the page, which screen readers read out. */
export function NoticesProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const show = useCallback((text: string, isError: boolean) => {
    const id = newId();
    setNotices((all) => [...all.slice(-2), { id, text, isError }]);
    setTimeout(() => setNotices((all) => all.filter((notice) => notice.id !== id)), SHOWN_FOR);
  }, []);
  const value = useMemo<Notices>(
    () => ({ say: (text) => show(text, false), fail: (error) => show(describeError(error), true) }),
    [show],
  );
  return (
    <NoticesContext value={value}>
      {children}
      <div className="notices" role="status" aria-live="polite">
        {notices.map(({ id, text, isError }) => (
          <p key={id} className={`notice ${isError ? 'notice-error' : ''}`}>
            {text}
          </p>
        ))}
      </div>
    </NoticesContext>
  );
}

export function useNotices(): Notices {
  const notices = use(NoticesContext);
  if (!notices) throw new Error('There is no NoticesProvider.');
  return notices;
}
