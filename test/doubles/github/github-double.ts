import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository of the double. */
export interface DoubleRepository {
  owner: string;
  name: string;
  defaultBranch?: string;
  isPrivate?: boolean;
  description?: string | null;
  /** Tokens that have access. If omitted, all do. */
  tokens?: string[];
}

/** The fault of the next request. */
export type GithubFault =
  /** The primary limit: 403 and the time of its reset. */
  | { type: 'rate-limited'; resetInSeconds: number }
  /** The secondary limit: 403 or 429 with the seconds to wait. */
  | { type: 'throttled'; status: 403 | 429; retryAfterSeconds: number }
  | { type: 'status'; status: number }
  /** Sends no response until the client gives up. */
  | { type: 'stall' }
  /** Sends the headers, but not the body. */
  | { type: 'stall-in-body' }
  | { type: 'reset' }
  | { type: 'not-json' }
  | { type: 'redirect'; location: string };

export interface GithubDouble {
  url: string;
  requests: Array<{ method: string; url: string; headers: IncomingHttpHeaders }>;
  repositories: DoubleRepository[];
  /** Old names (`owner/name`) of renamed repositories. */
  renamed: Map<string, string>;
  /** Makes the next request fail. Faults queue up. */
  fail(fault: GithubFault): void;
  /** Resets its repositories, its faults and its recorded requests. */
  reset(): void;
  close(): Promise<void>;
}

/** The tokens that the double accepts. */
export const GITHUB_TOKEN = 'ghp_doubleTokenOfOcto0123456789';
export const OTHER_GITHUB_TOKEN = 'ghp_doubleTokenOfSomebodyElse42';

/** The part of GitHub's REST API that connecting repositories needs. */
export async function startGithubDouble(): Promise<GithubDouble> {
  const repositories: DoubleRepository[] = [];
  const renamed = new Map<string, string>();
  const requests: GithubDouble['requests'] = [];
  const faults: GithubFault[] = [];

  function handle(request: IncomingMessage, response: ServerResponse): void {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    const fault = faults.shift();
    if (fault) return breakDown(fault, request, response);
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== GITHUB_TOKEN && token !== OTHER_GITHUB_TOKEN)
      return send(response, 401, { message: 'Bad credentials', status: '401' });
    if (!request.headers['user-agent'])
      return send(response, 403, { message: 'Request forbidden by administrative rules.' });
    const visible = repositories.filter(({ tokens }) => !tokens || tokens.includes(token));
    const url = new URL(request.url ?? '/', 'http://double');
    if (url.pathname === '/user/repos') return list(response, url, visible);
    return read(response, url.pathname, visible);
  }

  function list(response: ServerResponse, { searchParams }: URL, visible: DoubleRepository[]): void {
    const size = Number(searchParams.get('per_page') ?? 30);
    const page = Number(searchParams.get('page') ?? 1);
    const sorted = visible.toSorted((a, b) =>
      fullName(a).toLowerCase() < fullName(b).toLowerCase() ? -1 : 1,
    );
    const items = sorted.slice((page - 1) * size, page * size);
    const link =
      page * size < sorted.length ? `<https://double/user/repos?page=${page + 1}>; rel="next"` : '';
    send(response, 200, items.map(toWire), link ? { link } : {});
  }

  /** By name, or by number, which the redirect of a renamed repository uses. */
  function read(response: ServerResponse, path: string, visible: DoubleRepository[]): void {
    const byId = /^\/repositories\/(\d+)$/.exec(path);
    const name = /^\/repos\/([^/]+\/[^/]+)$/.exec(path)?.[1]?.toLowerCase();
    const now = name === undefined ? undefined : renamed.get(name);
    const target = repositories.find((repository) => fullName(repository).toLowerCase() === now);
    if (target) {
      const location = `/repositories/${idOf(target)}`;
      return send(response, 301, { message: 'Moved Permanently', url: location }, { location });
    }
    const found = visible.find((repository) =>
      byId ? String(idOf(repository)) === byId[1] : fullName(repository).toLowerCase() === name,
    );
    if (found) send(response, 200, toWire(found));
    else send(response, 404, { message: 'Not Found', status: '404' });
  }

  function idOf(repository: DoubleRepository): number {
    return 1000 + repositories.indexOf(repository);
  }

  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    repositories,
    renamed,
    fail: (fault) => void faults.push(fault),
    reset: () => {
      repositories.length = requests.length = faults.length = 0;
      renamed.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function breakDown(fault: GithubFault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault.type) {
    case 'rate-limited':
      return send(
        response,
        403,
        { message: 'API rate limit exceeded for user ID 1.' },
        {
          'x-ratelimit-limit': '5000',
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + fault.resetInSeconds),
        },
      );
    case 'throttled':
      return send(
        response,
        fault.status,
        { message: 'You have exceeded a secondary rate limit.' },
        { 'retry-after': String(fault.retryAfterSeconds), 'x-ratelimit-remaining': '4000' },
      );
    case 'status':
      return send(response, fault.status, { message: 'It went wrong.' });
    case 'stall':
      return;
    case 'stall-in-body':
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"name":');
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'not-json':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Unicorn!</html>');
      return;
    case 'redirect':
      return send(response, 302, {}, { location: fault.location });
  }
}

const fullName = ({ owner, name }: DoubleRepository) => `${owner}/${name}`;

function toWire(repository: DoubleRepository): object {
  const { owner, name, description = null, defaultBranch = 'main', isPrivate = false } = repository;
  return {
    name,
    full_name: fullName(repository),
    private: isPrivate,
    owner: { login: owner, type: 'User' },
    html_url: `https://github.com/${owner}/${name}`,
    description,
    default_branch: defaultBranch,
    permissions: { admin: false, push: true, pull: true },
  };
}

export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}
