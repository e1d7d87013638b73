import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Role } from '../../common/auth/identity.js';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { SERVICE_LIMITS } from '../../common/database/time-limits.js';
import type { Keyset } from '../../common/http/paging.js';
import type { UserChanges } from './user-writer.js';

export interface ManagedUserRow {
  id: string;
  email: string | null;
  name: string | null;
  role: Role;
  isActive: boolean;
  bannedUntil: Date | null;
  createdAt: Date;
  lastSignInAt: Date | null;
  /** An administrator who can act: neither deactivated nor banned. */
  isActiveAdmin: boolean;
  chats: number;
}

/** Long enough for a change that waits for Supabase, and shorter than PostgreSQL's timeout for the connection. */
const LOCK_TIMEOUT = '20s';

const LOCK = `
  select set_config('lock_timeout', '${LOCK_TIMEOUT}', true), set_config('statement_timeout', '60s', true)`;

/** Waits for other changes, but only briefly for rows that a user has locked, so that other changes are not delayed. */
const LOCK_USERS = `
  select pg_advisory_xact_lock($1), set_config('lock_timeout', '${SERVICE_LIMITS.lock}', true)`;

const ROLE = `case when raw_user_meta_data ->> 'role' = 'admin' then 'admin' else 'user' end`;
const IS_ACTIVE = `coalesce(raw_user_meta_data ->> 'isActive', 'true') <> 'false'`;
const IS_ACTIVE_ADMIN = `(${ROLE} = 'admin' and ${IS_ACTIVE} and not coalesce(banned_until > now(), false))`;
/** Users write their own names, of any length. */
const NAME = `left(coalesce(nullif(raw_user_meta_data ->> 'name', ''), raw_user_meta_data ->> 'full_name'), 200)`;

/**
 * The auth server stores microseconds, and a cursor has milliseconds. Rows are ordered by the value that a cursor can
 * hold.
 */
const CREATED_AT = `date_trunc('milliseconds', coalesce(created_at, 'epoch'))`;

const COLUMNS = `
  id, email, ${NAME} as name, ${ROLE} as role, ${IS_ACTIVE} as "isActive", banned_until as "bannedUntil",
  ${CREATED_AT} as "createdAt", last_sign_in_at as "lastSignInAt", ${IS_ACTIVE_ADMIN} as "isActiveAdmin"`;

const CHATS = `(select count(*)::int from chat where chat.user_id = users.id) as chats`;

/** Users that Supabase has soft-deleted count as deleted. */
const FIND = `
  select users.*, ${CHATS}
    from (select ${COLUMNS} from auth.users where id = $1 and deleted_at is null) as users`;

const OTHER_ADMIN = `
  select exists (
    select from auth.users where id <> $1 and deleted_at is null and ${IS_ACTIVE_ADMIN}) as exists`;

/**
 * An operator's value in either column is used: the role guard copies it to the other. A deactivated user is also
 * banned, so that an auth server on the same database issues no token.
 */
const UPDATE = `
  update auth.users
     set raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || $2::jsonb, updated_at = now(),
         banned_until = case $2::jsonb -> 'isActive'
                          when 'false' then now() + interval '100 years' when 'true' then null else banned_until end
   where id = $1`;

export interface UserFilter {
  /** A regular expression, see `searchPatterns`. */
  pattern?: string;
  role?: Role;
  isActive?: boolean;
  after?: Keyset;
  limit: number;
}

/** Users as the service sees them. Nothing else reads `auth.users`. */
@Injectable()
export class AdminUsersRepository {
  /** Newest first, at most `limit`. */
  findPage(
    manager: EntityManager,
    { pattern, role, isActive, after, limit }: UserFilter,
  ): Promise<ManagedUserRow[]> {
    const parameters: unknown[] = [limit];
    const add = (value: unknown) => `$${parameters.push(value)}`;
    const conditions = ['deleted_at is null'];
    if (role !== undefined) conditions.push(`${ROLE} = ${add(role)}`);
    if (isActive !== undefined) conditions.push(`(${IS_ACTIVE}) = ${add(isActive)}::boolean`);
    if (after) {
      conditions.push(`(${CREATED_AT}, id) < (${add(after.at)}::timestamptz, ${add(after.id)}::uuid)`);
    }
    if (pattern !== undefined) {
      const text = `${add(pattern)}::text`;
      conditions.push(`(email ~ ${text} or ${NAME} ~ ${text} or id::text ~ ${text})`);
    }
    return manager.query<ManagedUserRow[]>(
      `select users.*, ${CHATS}
         from (select ${COLUMNS} from auth.users where ${conditions.join(' and ')}
                order by ${CREATED_AT} desc, id desc limit $1) as users
        order by "createdAt" desc, id desc`,
      parameters,
    );
  }

  async find(manager: EntityManager, id: string): Promise<ManagedUserRow | undefined> {
    const rows = await manager.query<ManagedUserRow[]>(FIND, [id]);
    return rows[0];
  }

  /** Like {@link find}, but waits for a change of the row that is in progress. */
  async findSettled(manager: EntityManager, id: string): Promise<ManagedUserRow | undefined> {
    await manager.query('select from auth.users where id = $1 for no key update', [id]);
    return this.find(manager, id);
  }

  /** Blocks other changes to users until the transaction ends. */
  async lock(manager: EntityManager): Promise<void> {
    await manager.query(LOCK);
    await manager.query(LOCK_USERS, [ADVISORY_LOCKS.users]);
  }

  async hasOtherActiveAdmin(manager: EntityManager, id: string): Promise<boolean> {
    const rows = await manager.query<Array<{ exists: boolean }>>(OTHER_ADMIN, [id]);
    return rows[0]?.exists ?? false;
  }

  async update(manager: EntityManager, id: string, changes: UserChanges): Promise<void> {
    await manager.query(UPDATE, [id, JSON.stringify(changes)]);
  }

  async delete(manager: EntityManager, id: string): Promise<void> {
    await manager.query('delete from auth.users where id = $1', [id]);
  }
}
