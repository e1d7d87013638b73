import { type TestApp, type TestUser } from './app.js';

/** One page as returned. */
export interface ReadPage {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of the items
  items: any[];
  bytes: number;
}

/** Reads a list to its end, page by page. Fails if it does not end. */
export async function everyPage(
  app: TestApp,
  user: TestUser,
  path: string,
  limit: number,
): Promise<ReadPage[]> {
  const pages: ReadPage[] = [];
  let cursor: string | null = null;
  do {
    const url = `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const response = await app.request('GET', url, { user });
    if (response.status !== 200)
      throw new Error(`${url} answered ${response.status}: ${response.text.slice(0, 500)}`);
    pages.push({ items: response.body.items, bytes: Buffer.byteLength(response.text) });
    cursor = response.body.nextCursor;
    if (pages.length > 200) throw new Error(`${path} does not end`);
  } while (cursor !== null);
  return pages;
}
