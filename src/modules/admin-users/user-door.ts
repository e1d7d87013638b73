import type { EntityManager } from 'typeorm';
import type { Role } from '../../common/auth/identity.js';

/** What an administrator changes of a user; what is not given stays. */
export interface UserChanges {
  role?: Role;
  isActive?: boolean;
}

/** Nest injection token of the {@link UserDoor} that the configuration asks for. */
export const USER_DOOR = Symbol('USER_DOOR');

/**
 * The way on which users are changed. `auth.users` belongs to Supabase's auth server: where that can be asked, it is;
 * where there is none, nobody but the database is left.
 */
export interface UserDoor {
  /** True when what it did is undone together with the caller's transaction. */
  readonly isTransactional: boolean;

  /**
   * @param manager the caller's transaction, which keeps other changes of users away
   * @throws AppError 502 or 504 when it could not be done; then nothing has been
   */
  update(manager: EntityManager, id: string, changes: UserChanges): Promise<void>;

  /** Deletes the user for good, with all that is theirs. @throws AppError see {@link update} */
  delete(manager: EntityManager, id: string): Promise<void>;
}
