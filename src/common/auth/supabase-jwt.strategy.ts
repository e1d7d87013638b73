import { createSecretKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { unauthenticated } from '../errors/app-error.js';
import { isUuid } from '../http/client-id.js';
import { requestContext } from '../logging/request-context.js';
import type { Identity } from './identity.js';
import { JwksKeys } from './jwks.js';
import { UserDirectory } from './user-directory.js';

interface TokenHeader {
  alg?: unknown;
  kid?: unknown;
}

interface AccessTokenClaims {
  sub?: unknown;
  exp?: unknown;
  role?: unknown;
}

const CLOCK_TOLERANCE_SECONDS = 5;

/**
 * Verifies Supabase access tokens. The token's algorithm determines the key, never the other way round. HS256 is only
 * verified with the shared secret. ES256 and RS256 are only verified with a public key of that type from the project's
 * JWKS.
 */
@Injectable()
export class SupabaseJwtStrategy extends PassportStrategy(Strategy, 'supabase-jwt') {
  private readonly users: UserDirectory;

  constructor(@Inject(APP_CONFIG) config: AppConfig, users: UserDirectory) {
    const { url, jwtSecret, issuer } = config.supabase;
    const logger = new Logger(SupabaseJwtStrategy.name);
    const jwks = url
      ? new JwksKeys(`${url}/auth/v1/.well-known/jwks.json`, (error) =>
          logger.warn({ err: error }, 'The signing keys could not be fetched. The known keys stay in use.'),
        )
      : undefined;
    // A key object, because jsonwebtoken would first try a string as a public key, on every request.
    const sharedSecret = jwtSecret === undefined ? undefined : createSecretKey(jwtSecret, 'utf8');
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      algorithms: ['HS256', 'ES256', 'RS256'],
      audience: 'authenticated',
      ...(issuer ? { issuer } : {}),
      jsonWebTokenOptions: { clockTolerance: CLOCK_TOLERANCE_SECONDS },
      secretOrKeyProvider: (
        _request: unknown,
        token: unknown,
        done: (error: unknown, key?: string | Buffer) => void,
      ) => {
        verificationKey(String(token), sharedSecret, jwks)
          // jsonwebtoken accepts a KeyObject, but passport-jwt's types only have the older forms.
          .then((key) => done(null, key as string | Buffer))
          // This also catches what jsonwebtoken throws within `done` for a malformed token (such as a null payload).
          // Nothing else would catch it, and an unhandled rejection ends the process.
          .catch((error: unknown) => done(error));
      },
    });
    this.users = users;
  }

  /** Called with the claims of a token after its signature, `aud`, `iss`, `exp` and `nbf` were verified. */
  async validate(claims: AccessTokenClaims): Promise<Identity> {
    const { sub, exp, role } = claims;
    if (typeof exp !== 'number')
      throw unauthenticated('The access token has no expiry, which is not accepted.');
    if (typeof sub !== 'string' || !isUuid(sub))
      throw unauthenticated('The access token does not name a user.');
    if (role !== 'authenticated') throw unauthenticated('This is not an access token of a signed-in user.');
    const identity = await this.users.identify(sub.toLowerCase());
    const context = requestContext.getStore();
    if (context) context.userId = identity.id;
    return identity;
  }
}

async function verificationKey(
  token: string,
  sharedSecret: KeyObject | undefined,
  jwks: JwksKeys | undefined,
): Promise<unknown> {
  const { alg, kid } = headerOf(token);
  if (alg === 'HS256' && sharedSecret) return sharedSecret;
  if ((alg === 'ES256' || alg === 'RS256') && typeof kid === 'string' && jwks) {
    const key = await jwks.find(kid, alg);
    if (key) return key;
    throw unauthenticated('The access token was signed with an unknown key.');
  }
  throw unauthenticated('The access token was signed with an algorithm that is not accepted.');
}

function headerOf(token: string): TokenHeader {
  try {
    const header: unknown = JSON.parse(
      Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString('utf8'),
    );
    return typeof header === 'object' && header !== null ? header : {};
  } catch {
    throw unauthenticated('The access token is malformed.');
  }
}
