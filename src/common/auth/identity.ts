export type Role = 'user' | 'admin';

/** The user that a request acts for, read from the user's row after the token was verified. */
export interface Identity {
  id: string;
  email: string | null;
  role: Role;
  /** `settings` of the user's metadata, as stored by the client. */
  settings: Record<string, unknown>;
  /** The namespace for ids that this user's clients choose. It is secret, so nobody else can compute such an id. */
  idNamespace: string;
}
