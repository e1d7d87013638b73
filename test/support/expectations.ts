import type { TestApp, TestResponse, TestUser } from './app.js';

/** Checks that the response is a problem document with this status and code, without internals. */
export function expectProblem(response: TestResponse, status: number, code: string): void {
  expect({ status: response.status, code: response.body?.code }).toEqual({ status, code });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.body).toMatchObject({
    type: 'about:blank',
    title: expect.any(String),
    status,
    detail: expect.stringMatching(/\S/),
    requestId: response.headers.get('x-request-id'),
  });
  expect(response.text).not.toMatch(/\bselect\b|violates|\bat \S+ \(|node_modules/i);
}

/** Follows `nextCursor` to the last page. `path` must have a query already. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of items
export async function readAllPages(app: TestApp, user: TestUser, path: string): Promise<any[][]> {
  const pages = [];
  let cursor = '';
  do {
    const { status, body } = await app.request('GET', `${path}${cursor}`, { user });
    expect(status).toBe(200);
    pages.push(body.items);
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    if (path.includes('cursor=')) path = path.replace(/[?&]cursor=[^&]*/, '');
    if (pages.length > 100) throw new Error('The list does not end.');
  } while (cursor !== '');
  return pages;
}
