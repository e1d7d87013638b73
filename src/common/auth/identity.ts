export type Role = 'user' | 'admin';

/** Who a request acts for, read from the user's row after their token was verified. */
export interface Identity {
  id: string;
  email: string | null;
  role: Role;
  /** `settings` of the user's metadata, as the client stored them. */
  settings: Record<string, unknown>;
  /** The namespace of the ids that this user's clients make up. A secret: nobody else may compute such an id. */
  idNamespace: string;
}
