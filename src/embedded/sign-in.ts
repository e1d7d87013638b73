import { randomBytes } from 'node:crypto';
import type { AccessTokens } from './access-token.js';
import type { Fields } from './json-body.js';
import { authFailure } from './failures.js';
import { comparePassword, hashPassword } from './password-hash.js';
import type { Session, SessionRepository } from './session.repository.js';

/** Signs users in by password and by refresh token, as Supabase Auth does. */
export class SignIn {
  private constructor(
    private readonly sessions: SessionRepository,
    private readonly tokens: AccessTokens,
    /** The user as returned to clients, for a valid access token. */
    private readonly describe: (accessToken: string) => Promise<unknown>,
    /** Used if there is no account, so that the response takes as long. */
    private readonly nobodysHash: string,
  ) {}

  static async create(
    sessions: SessionRepository,
    tokens: AccessTokens,
    describe: (accessToken: string) => Promise<unknown>,
  ): Promise<SignIn> {
    return new SignIn(sessions, tokens, describe, await hashPassword(randomBytes(24).toString('base64url')));
  }

  async withPassword({ email, password }: Fields): Promise<Response> {
    if (typeof email !== 'string' || email === '')
      return authFailure(400, 'validation_failed', 'missing email or phone');
    const given = typeof password === 'string' ? password : '';
    const user = await this.sessions.findUserByEmail(email);
    const hash = user?.encrypted_password;
    const matches = await comparePassword(given, hash || this.nobodysHash);
    if (!user || !hash || !matches)
      return authFailure(400, 'invalid_credentials', 'Invalid login credentials');
    if (user.is_banned) return authFailure(400, 'user_banned', 'User is banned');
    if (!user.is_confirmed) return authFailure(400, 'email_not_confirmed', 'Email not confirmed');
    return this.respond(await this.sessions.create(user), { weak_password: null });
  }

  async withRefreshToken({ refresh_token: token }: Fields): Promise<Response> {
    if (typeof token !== 'string' || token === '')
      return authFailure(400, 'validation_failed', 'refresh_token required');
    const result = await this.sessions.refresh(token);
    switch (result) {
      case 'unknown':
        return authFailure(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
      case 'used':
        return authFailure(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
      case 'banned':
        return authFailure(400, 'user_banned', 'Invalid Refresh Token: User Banned');
      default:
        return this.respond(result);
    }
  }

  private async respond({ id, refreshToken, user }: Session, more: object = {}): Promise<Response> {
    const { token, expiresAt } = await this.tokens.issue(user, id);
    return Response.json({
      access_token: token,
      token_type: 'bearer',
      expires_in: expiresAt - Math.floor(Date.now() / 1_000),
      expires_at: expiresAt,
      refresh_token: refreshToken,
      user: await this.describe(token),
      ...more,
    });
  }
}
