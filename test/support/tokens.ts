import { randomUUID } from 'node:crypto';
import { SignJWT, type CryptoKey, type KeyObject } from 'jose';

export const TEST_JWT_SECRET = 'test-secret-of-at-least-32-characters-length';
export const TEST_ISSUER = 'http://localhost:54321/auth/v1';

interface TokenOptions {
  email?: string;
  /** Seconds from now. A negative value makes an expired token. */
  expiresIn?: number;
  issuer?: string;
  audience?: string;
  role?: string;
  userMetadata?: Record<string, unknown>;
  algorithm?: string;
  key?: KeyObject | CryptoKey | Uint8Array;
  kid?: string;
}

/** A Supabase access token, signed as by GoTrue. */
export async function signToken(userId: string, options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    email: options.email,
    phone: '',
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: options.userMetadata ?? {},
    role: options.role ?? 'authenticated',
    aal: 'aal1',
    amr: [{ method: 'password', timestamp: now }],
    session_id: randomUUID(),
    is_anonymous: false,
  })
    .setProtectedHeader({
      alg: options.algorithm ?? 'HS256',
      typ: 'JWT',
      ...(options.kid ? { kid: options.kid } : {}),
    })
    .setSubject(userId)
    .setIssuedAt(now)
    .setExpirationTime(now + (options.expiresIn ?? 3600))
    .setIssuer(options.issuer ?? TEST_ISSUER)
    .setAudience(options.audience ?? 'authenticated')
    .sign(options.key ?? new TextEncoder().encode(TEST_JWT_SECRET));
}
