import type { Identity } from '../auth/identity.js';

export interface Claims {
  sub: string;
  role: string;
  user_metadata: { role: string; isActive: boolean };
}

export function parametersOf(claims: Claims): [claims: string, subject: string] {
  return [JSON.stringify(claims), claims.sub];
}

/** The claims that policies read, in the format of Supabase's access tokens. */
export function claimsOf(identity: Identity): Claims {
  return {
    sub: identity.id,
    role: 'authenticated',
    user_metadata: { role: identity.role, isActive: true },
  };
}
