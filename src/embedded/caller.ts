import { timingSafeEqual } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';

/** What the headers of a request prove. */
export interface Caller {
  /** The equivalent headers for the library, and no others. */
  headers: { apikey?: string; authorization?: string };
  /** The API key of the request. */
  key: 'publishable' | 'secret' | 'unknown' | 'none';
  /** The claims of a valid token of a user or a service. */
  claims?: JWTPayload & { role?: unknown };
  /** Whether there was an invalid token. */
  hasBadToken: boolean;
}

export interface Keys {
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
}

/** Identifies callers by the keys and tokens in their headers, before their bodies are read. */
export class Callers {
  private readonly jwtSecret: Uint8Array;

  constructor(private readonly keys: Keys) {
    this.jwtSecret = new TextEncoder().encode(keys.jwtSecret);
  }

  async identify(apikey: string | undefined, authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    // A client that is not signed in also sends its key as the token.
    const isKey = token !== undefined && (token === apikey || token.startsWith('sb_'));
    const given = apikey || (isKey ? token : undefined);
    const key = this.kindOf(given);
    const known = key === 'publishable' || key === 'secret' ? { apikey: given } : {};
    if (token === undefined || isKey)
      return { key, headers: known, hasBadToken: token === undefined && Boolean(authorization) };
    const claims = await this.verify(token);
    if (!claims) return { key, headers: known, hasBadToken: true };
    return { key, claims, headers: { ...known, authorization: `Bearer ${token}` }, hasBadToken: false };
  }

  /** The claims of a token that this stack signed and that has not expired. */
  async verify(token: string): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.jwtSecret, { algorithms: ['HS256'] });
      return payload;
    } catch {
      return undefined;
    }
  }

  private kindOf(apikey: string | undefined): Caller['key'] {
    if (apikey === undefined) return 'none';
    if (sameText(apikey, this.keys.secretKey)) return 'secret';
    return sameText(apikey, this.keys.publishableKey) ? 'publishable' : 'unknown';
  }
}

/** Whether the caller is the operator: it has the secret key and no user token. */
export function isService({ key, claims, hasBadToken }: Caller): boolean {
  if (claims) return claims.role === 'service_role';
  return key === 'secret' && !hasBadToken;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The id of the signed-in user. */
export function userIdOf({ claims }: Caller): string | undefined {
  if (claims?.role !== 'authenticated' || typeof claims.sub !== 'string') return undefined;
  return UUID.test(claims.sub) ? claims.sub : undefined;
}

export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
