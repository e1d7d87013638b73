import { useQuery } from '@tanstack/react-query';
import { useBackend } from '../api/backend.tsx';
import type { Page, Person } from '../api/types.ts';

/** Email addresses in the place of ids, as far as they are known. */
export function usePersonNames(): (id: string) => string {
  const { call } = useBackend();
  const { data } = useQuery({
    queryKey: ['person-names'],
    queryFn: () => call<Page<Person>>('/api/admin/users?limit=100'),
  });
  const names = new Map((data?.items ?? []).map(({ id, email }) => [id, email]));
  return (id) => names.get(id) ?? id;
}
