import type { Session } from '@supabase/supabase-js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useState } from 'react';
import { useBackend } from '../api/backend.tsx';
import { forgetOwnKeys } from '../api/own-keys.ts';
import type { Me } from '../api/types.ts';

/** Undefined until it is known whether someone is signed in. */
const SessionContext = createContext<Session | null | undefined>(undefined);

export function SessionProvider({ children }: { children: ReactNode }) {
  const { supabase } = useBackend();
  const queryClient = useQueryClient();
  const [session, setSession] = useState<Session | null>();
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event, next) => {
      // The next user must not see what the last one has loaded.
      if (event === 'SIGNED_OUT') {
        queryClient.clear();
        forgetOwnKeys();
      }
      setSession(next);
    });
    return () => data.subscription.unsubscribe();
  }, [supabase, queryClient]);
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session | null | undefined {
  return use(SessionContext);
}

/** The user as the API sees them. The role decides what is shown; the server decides what is allowed. */
export function useMe(): Me | undefined {
  const { call } = useBackend();
  return useQuery({ queryKey: ['me'], queryFn: () => call<Me>('/api/me'), staleTime: 60_000 }).data;
}
