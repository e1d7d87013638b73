import type { RequestTarget } from './request-target.js';
import type { LoginAction } from './login-throttle.js';

/** The callers that a route accepts: anyone, anyone with an API key, a signed-in user, or the operator. */
export type AuthAccess = 'anyone' | 'key' | 'user' | 'secret';

export interface AuthRoute {
  access: AuthAccess;
  /** The action that is rate limited. */
  action?: LoginAction;
  /** Whether the response must not reveal if an email address is registered. */
  hidesAccounts?: boolean;
}

/** The routes of Supabase Auth that this stack supports. It does not support OAuth providers. */
const ROUTES: Record<string, AuthRoute> = {
  'GET health': { access: 'key' },
  'GET settings': { access: 'key' },
  'GET .well-known/jwks.json': { access: 'anyone' },
  'GET .well-known/openid-configuration': { access: 'anyone' },
  'POST signup': { access: 'key', action: 'signIn' },
  'POST token password': { access: 'key', action: 'signIn' },
  'POST token refresh_token': { access: 'key', action: 'refresh' },
  'POST token pkce': { access: 'key', action: 'signIn' },
  'POST otp': { access: 'key', action: 'mail', hidesAccounts: true },
  'POST magiclink': { access: 'key', action: 'mail', hidesAccounts: true },
  'POST recover': { access: 'key', action: 'mail', hidesAccounts: true },
  'POST resend': { access: 'key', action: 'mail', hidesAccounts: true },
  'GET verify': { access: 'anyone', action: 'verify' },
  'POST verify': { access: 'key', action: 'verify' },
  'GET reauthenticate': { access: 'user', action: 'mail' },
  'POST logout': { access: 'user' },
  'GET user': { access: 'user' },
  'PUT user': { access: 'user' },
  'GET admin/users': { access: 'secret' },
  'POST admin/users': { access: 'secret' },
  'GET admin/users/:id': { access: 'secret' },
  'PUT admin/users/:id': { access: 'secret' },
  'DELETE admin/users/:id': { access: 'secret' },
};

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

export interface AuthMatch extends AuthRoute {
  name: string;
  /** The user that an administrator's request is for. */
  id?: string;
}

/** The route of a request, or undefined. */
export function findAuthRoute(method: string, { segments, query }: RequestTarget): AuthMatch | undefined {
  const [id] = segments.length === 3 && segments[0] === 'admin' ? segments.slice(2) : [];
  if (id !== undefined && !UUID.test(id)) return undefined;
  const path = id === undefined ? segments.join('/') : `${segments[0]}/${segments[1]}/:id`;
  const grant = path === 'token' ? ` ${query.get('grant_type')}` : '';
  const name = `${method} ${path}${grant}`;
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  return route && { ...route, name, ...(id === undefined ? {} : { id }) };
}
