import type { EntityManager } from 'typeorm';
import { type AdminUsersRepository } from './admin-users.repository.js';
import type { UserChanges, UserWriter } from './user-writer.js';

/** Changes users with SQL, as an operator: for PostgreSQL without Supabase, or for a server without a secret key. */
export class SqlUserWriter implements UserWriter {
  readonly isTransactional = true;

  constructor(private readonly users: AdminUsersRepository) {}

  update(manager: EntityManager, id: string, changes: UserChanges): Promise<void> {
    return this.users.update(manager, id, changes);
  }

  delete(manager: EntityManager, id: string): Promise<void> {
    return this.users.delete(manager, id);
  }
}
