import { useInfiniteQuery } from '@tanstack/react-query';
import { useBackend } from './backend.tsx';
import type { Page } from './types.ts';

/**
 * A list that is loaded page by page, with the items of all pages so far.
 *
 * @param path with the query of the list, apart from the cursor
 */
export function usePages<Item>(queryKey: string[], path: string, options: { keepsFormer?: boolean } = {}) {
  const { call } = useBackend();
  const pages = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      call<Page<Item>>(`${path}${pageParam && `&cursor=${encodeURIComponent(pageParam)}`}`, { signal }),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: options.keepsFormer ? (former) => former : undefined,
  });
  return { ...pages, items: pages.data?.pages.flatMap(({ items }) => items) ?? [] };
}
