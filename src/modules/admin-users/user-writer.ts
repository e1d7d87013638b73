import type { EntityManager } from 'typeorm';
import type { Role } from '../../common/auth/identity.js';

/** The changes to a user. Fields that are not given stay. */
export interface UserChanges {
  role?: Role;
  isActive?: boolean;
}

/** Nest injection token of the configured {@link UserWriter}. */
export const USER_WRITER = Symbol('USER_WRITER');

/**
 * How users are changed. `auth.users` belongs to Supabase's auth server. Its API is used if it is available, and SQL
 * otherwise.
 */
export interface UserWriter {
  /** True if the change is rolled back with the caller's transaction. */
  readonly isTransactional: boolean;

  /**
   * @param manager the caller's transaction, which blocks other changes to users
   * @throws AppError 502 or 504 if the change failed; then nothing was changed
   */
  update(manager: EntityManager, id: string, changes: UserChanges): Promise<void>;

  /** Deletes the user permanently, with all their data. @throws AppError see {@link update} */
  delete(manager: EntityManager, id: string): Promise<void>;
}
