import { invalidField } from '../../common/errors/app-error.js';
import type { Page } from '../../common/http/paging.js';

/** A required parameter of the old route. */
export function required(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalidField(name, 'is required');
}

/** All pages of a list, one after the other. The old routes have no pages. */
export async function* pagesOf<T>(read: (cursor?: string) => Promise<Page<T>>): AsyncGenerator<T[]> {
  let page = await read();
  for (;;) {
    yield page.items;
    if (page.nextCursor === null) return;
    page = await read(page.nextCursor);
  }
}
