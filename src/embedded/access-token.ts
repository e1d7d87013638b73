import { SignJWT, decodeJwt } from 'jose';
import type { UserRow } from './session.repository.js';

const LIFETIME = 3_600;

/**
 * Creates access tokens with the same claims as Supabase's. The auth library's own tokens lack the claims about the
 * user.
 */
export class AccessTokens {
  private readonly secret: Uint8Array;

  constructor(
    jwtSecret: string,
    private readonly issuer: string,
  ) {
    this.secret = new TextEncoder().encode(jwtSecret);
  }

  async issue(user: UserRow, sessionId: string): Promise<{ token: string; expiresAt: number }> {
    const now = Math.floor(Date.now() / 1_000);
    const token = await this.sign(user, {
      sub: user.id,
      aud: user.aud ?? 'authenticated',
      role: user.role ?? 'authenticated',
      session_id: sessionId,
      iat: now,
      exp: now + LIFETIME,
    });
    return { token, expiresAt: now + LIFETIME };
  }

  /** Adds the missing claims to the auth library's token. */
  complete(token: string, user: UserRow): Promise<string> {
    return this.sign(user, decodeJwt(token));
  }

  private sign(user: UserRow, claims: Record<string, unknown>): Promise<string> {
    return new SignJWT({
      ...claims,
      iss: this.issuer,
      email: user.email ?? '',
      phone: user.phone ?? '',
      app_metadata: user.raw_app_meta_data ?? {},
      user_metadata: user.raw_user_meta_data ?? {},
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: claims['iat'] }],
      is_anonymous: user.is_anonymous,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(this.secret);
  }
}
