import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { TestUser } from '../support/app.js';
import type { ChatApp } from '../support/chat-app.js';
import { signToken, TEST_ISSUER, TEST_JWT_SECRET } from '../support/tokens.js';

/** A caller, as described by their request. */
export interface Caller {
  name: string;
  headers: Record<string, string>;
}

const WRONG_KEY = new TextEncoder().encode('another-secret-of-at-least-32-characters');
const RIGHT_KEY = new TextEncoder().encode(TEST_JWT_SECRET);

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Callers that must get 401 everywhere. All of them pretend to be this user, as far as they can. */
export async function refusedCallers(app: ChatApp, victim: TestUser): Promise<Caller[]> {
  const gone = await app.createUser();
  await app.database.query('delete from auth.users where id = $1', [gone.id]);
  const [header, payload, signature] = victim.token.split('.');
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString('utf8')) as object;
  return [
    { name: 'anonymous', headers: {} },
    { name: 'an empty token', headers: { authorization: 'Bearer ' } },
    { name: 'another scheme', headers: { authorization: `Basic ${victim.token}` } },
    { name: 'a token in a cookie', headers: { cookie: `access_token=${victim.token}` } },
    { name: 'a bad signature', headers: bearer(await signToken(victim.id, { key: WRONG_KEY })) },
    {
      name: 'a signature of other claims',
      headers: bearer(`${header}.${encode({ ...claims, role: 'x' })}.${signature}`),
    },
    { name: 'an expired token', headers: bearer(await signToken(victim.id, { expiresIn: -60 })) },
    { name: 'alg: none', headers: bearer(`${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`) },
    {
      name: 'alg: none with a signature',
      headers: bearer(`${encode({ alg: 'none' })}.${payload}.${signature}`),
    },
    { name: 'alg: None', headers: bearer(`${encode({ alg: 'None', typ: 'JWT' })}.${payload}.`) },
    { name: 'a deleted user', headers: bearer(gone.token) },
    {
      name: 'service_role, wrong secret',
      headers: bearer(await signToken(victim.id, { role: 'service_role', key: WRONG_KEY })),
    },
    {
      name: 'service_role, right secret',
      headers: bearer(await signToken(victim.id, { role: 'service_role' })),
    },
    {
      name: 'supabase_admin, right secret',
      headers: bearer(await signToken(victim.id, { role: 'supabase_admin' })),
    },
    { name: 'anon, right secret', headers: bearer(await signToken(victim.id, { role: 'anon' })) },
    { name: 'another audience', headers: bearer(await signToken(victim.id, { audience: 'somewhere' })) },
    { name: 'no user in the token', headers: bearer(await signToken('')) },
    { name: 'no UUID in the token', headers: bearer(await signToken(`${victim.id}' or true --`)) },
    { name: 'a user that never was', headers: bearer(await signToken(randomUUID())) },
    { name: 'a token that never expires', headers: bearer(await eternalToken(victim.id)) },
    {
      name: 'claims of an administrator, wrong secret',
      headers: bearer(await administratorToken(victim.id, WRONG_KEY)),
    },
  ];
}

/** A token that claims to be an administrator's in every claim. */
export function administratorToken(userId: string, key: Uint8Array = RIGHT_KEY): Promise<string> {
  const claims = {
    role: 'authenticated',
    user_role: 'admin',
    is_admin: true,
    isAdmin: true,
    user_metadata: { role: 'admin', isActive: true },
    app_metadata: { role: 'admin', roles: ['admin'], provider: 'email' },
  };
  return claim(userId, claims).setExpirationTime('1h').sign(key);
}

function eternalToken(userId: string): Promise<string> {
  return claim(userId, { role: 'authenticated' }).sign(RIGHT_KEY);
}

function claim(userId: string, claims: Record<string, unknown>): SignJWT {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(userId)
    .setIssuedAt()
    .setIssuer(TEST_ISSUER)
    .setAudience('authenticated');
}
