import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import type { AccessTokens } from './access-token.js';
import type { AdminUsers } from './admin-users.js';
import { metadataProblem, parseAuthBody, passwordProblem } from './auth-body.js';
import { type Fields, isFields } from './json-body.js';
import type { AuthMatch } from './auth-routes.js';
import { type Caller, isService, userIdOf } from './caller.js';
import { authFailure } from './failures.js';
import type { Attempt, LoginThrottle, Refusal } from './login-throttle.js';
import type { RequestTarget } from './request-target.js';
import type { SessionRepository, UserRow } from './session.repository.js';
import type { SignIn } from './sign-in.js';

/** An auth request with valid headers. */
export interface AuthRequest {
  match: AuthMatch;
  method: string;
  target: RequestTarget;
  /** The headers that the auth library reads. */
  headers: Headers;
  caller: Caller;
  address: string;
}

/**
 * Responses about an email address are sent after a multiple of this time, because the work for a registered address
 * takes longer.
 */
const RESPONSE_STEP = 250;

/**
 * Supabase Auth. This service handles sign-in and session refresh itself. The library does the rest, and its responses
 * are adjusted to match Supabase's: they lack claims, and they echo client input where a trigger stored a different
 * value.
 */
export class AuthService {
  constructor(
    private readonly library: (request: Request) => Promise<Response>,
    private readonly origin: string,
    private readonly sessions: SessionRepository,
    private readonly signIn: SignIn,
    private readonly tokens: AccessTokens,
    private readonly admin: AdminUsers,
    private readonly throttle: LoginThrottle,
  ) {}

  /** Decides from the headers alone. The attempt must be passed to {@link handle}. */
  admit({ match, caller, address }: AuthRequest): Response | { attempt?: Attempt } {
    const refusal = refuse(match, caller);
    if (refusal || !match.action) return refusal ?? {};
    const attempt = this.throttle.take(match.action, 'address', address);
    return isRefusal(attempt) ? tooMany(attempt) : { attempt };
  }

  async handle(request: AuthRequest, text: string, attempt?: Attempt): Promise<Response> {
    const body = parseAuthBody(text);
    if (body instanceof Response) return body;
    const account = accountOf(request, body);
    const { action, hidesAccounts } = request.match;
    const second = action && account !== undefined && this.throttle.take(action, 'account', account);
    if (second && isRefusal(second)) return tooMany(second);
    const response = hidesAccounts
      ? await this.respondUniformly(request, body)
      : await this.answer(request, body);
    if (response.ok || response.headers.get('location')?.includes('#access_token=')) {
      attempt?.succeeded();
      if (second) second.succeeded();
    }
    return response;
  }

  private async answer(request: AuthRequest, body: Fields): Promise<Response> {
    const { match, target, method } = request;
    switch (match.name) {
      case 'POST token password':
        return this.signIn.withPassword(body);
      case 'POST token refresh_token':
        return this.signIn.withRefreshToken(body);
      case 'GET verify':
        return this.completeRedirect(await this.pass(request, body));
      case 'POST signup':
        return passwordProblem(body) ?? this.signUp(request, body);
      case 'PUT user':
        return this.updateUser(request, body);
    }
    if (match.access === 'secret') return this.admin.handle(method, match.id, target.query, body);
    return this.completeAnswer(await this.pass(request, body));
  }

  private async signUp(request: AuthRequest, body: Fields): Promise<Response> {
    const response = await this.pass(request, body);
    // If two sign-ups with the same address run at once, the library fails the second one with a database error.
    if (response.status < 500 || !(await this.sessions.findUserByEmail(String(body['email']))))
      return this.completeAnswer(response);
    return authFailure(422, 'user_already_exists', 'User already registered');
  }

  /** Sends the same response after the same time, whether or not there is such an account. */
  private async respondUniformly(request: AuthRequest, body: Fields): Promise<Response> {
    const start = performance.now();
    const response = await this.answer(request, body);
    await sleep(RESPONSE_STEP - ((performance.now() - start) % RESPONSE_STEP));
    // If two requests for the same new address run at once, the library fails the second one with a database error.
    const raced = response.status >= 500 && (await this.sessions.findUserByEmail(String(body['email'])));
    const depends = raced || response.status === 422 || response.status === 429;
    return depends ? Response.json({}) : response;
  }

  private async updateUser(request: AuthRequest, body: Fields): Promise<Response> {
    const id = userIdOf(request.caller);
    const user = id === undefined ? undefined : await this.sessions.findUser(id);
    if (user?.is_banned) return authFailure(403, 'user_banned', 'User is banned');
    const data = isFields(body['data']) ? body['data'] : {};
    const problem = passwordProblem(body) ?? metadataProblem({ ...user?.raw_user_meta_data, ...data });
    if (problem) return problem;
    const response = await this.pass(request, body);
    // A new password ends the other sessions of the user.
    if (response.ok && typeof body['password'] === 'string' && user)
      await this.sessions.end(user.id, sessionOf(request.caller));
    return this.completeAnswer(response);
  }

  private pass({ method, target, headers }: AuthRequest, body: Fields): Promise<Response> {
    const hasBody = method === 'POST' || method === 'PUT';
    if (hasBody) headers.set('content-type', 'application/json');
    return this.library(
      new Request(`${this.origin}${target.href}`, {
        method,
        headers,
        ...(hasBody ? { body: JSON.stringify(body) } : {}),
      }),
    );
  }

  private async completeAnswer(response: Response): Promise<Response> {
    if (!response.ok || !(response.headers.get('content-type') ?? '').includes('json')) return response;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (!isFields(body)) return response;
    const user = isFields(body['user']) ? body['user'] : 'aud' in body ? body : undefined;
    if (typeof user?.['id'] !== 'string') return response;
    const row = await this.sessions.findUser(user['id']);
    if (!row) return response;
    const token = body['access_token'];
    if (row.is_banned && typeof token === 'string') return this.refuseBanned(row);
    const completed = {
      ...user,
      app_metadata: row.raw_app_meta_data ?? {},
      user_metadata: row.raw_user_meta_data ?? {},
    };
    if (user === body) return Response.json(completed, { status: response.status });
    const access = typeof token === 'string' ? { access_token: await this.tokens.complete(token, row) } : {};
    return Response.json({ ...body, user: completed, ...access }, { status: response.status });
  }

  /** A link in a mail leads to the application, with the session in the URL. */
  private async completeRedirect(response: Response): Promise<Response> {
    const location = response.headers.get('location');
    if (location === null) return response;
    const url = new URL(location);
    const session = new URLSearchParams(url.hash.slice(1));
    const token = session.get('access_token');
    if (token === null) return response;
    const row = await this.sessions.findUser(String(decodeJwt(token).sub));
    if (!row || row.is_banned) return row ? this.refuseBanned(row) : response;
    session.set('access_token', await this.tokens.complete(token, row));
    url.hash = session.toString();
    return new Response(null, { status: response.status, headers: { location: url.href } });
  }

  private async refuseBanned(user: UserRow): Promise<Response> {
    await this.sessions.end(user.id);
    return authFailure(403, 'user_banned', 'User is banned');
  }
}

function refuse({ access }: AuthMatch, caller: Caller): Response | undefined {
  if (access === 'anyone') return undefined;
  if (access === 'secret') {
    return isService(caller) && caller.key === 'secret'
      ? undefined
      : authFailure(401, 'no_authorization', 'This endpoint requires the secret key');
  }
  if (caller.key === 'none') {
    const hint = 'No `apikey` request header or url param was found.';
    return Response.json({ message: 'No API key found in request', hint }, { status: 401 });
  }
  if (caller.key === 'unknown') {
    const hint = 'Double check your Supabase `apikey`';
    return Response.json({ message: 'Invalid API key', hint }, { status: 401 });
  }
  if (access === 'key' || userIdOf(caller) !== undefined) return undefined;
  return caller.hasBadToken
    ? authFailure(403, 'bad_jwt', 'invalid JWT: unable to parse or verify signature')
    : authFailure(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
}

/** The account that an attempt is for, or undefined if only the database knows it. */
function accountOf({ match, caller }: AuthRequest, body: Fields): string | undefined {
  if (match.access === 'user') return userIdOf(caller);
  return typeof body['email'] === 'string' ? body['email'] : undefined;
}

function sessionOf({ claims }: Caller): string | null {
  const id = claims?.['session_id'];
  return typeof id === 'string' ? id : null;
}

function isRefusal(result: Attempt | Refusal): result is Refusal {
  return 'retryAfter' in result;
}

function tooMany({ retryAfter }: Refusal): Response {
  return authFailure(429, 'over_request_rate_limit', 'Request rate limit reached', {
    'retry-after': String(retryAfter),
  });
}
