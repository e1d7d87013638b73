import { Injectable } from '@nestjs/common';
import { unauthenticated, userInactive } from '../errors/app-error.js';
import { Database } from '../database/database.js';
import { Notifications } from '../database/notifications.js';
import type { Identity } from './identity.js';

/** How long a row is cached. A NOTIFY usually drops it immediately. */
const LIFETIME = 4_000;
const MAX_ENTRIES = 20_000;
/** Users write their settings themselves, and the server keeps them in memory. Larger settings count as empty. */
const MAX_SETTINGS_BYTES = 64 * 1024;

interface UserRow {
  id: string;
  email: string | null;
  metadata: Record<string, unknown> | null;
  inactive: boolean;
  idNamespace: string;
}

interface Entry {
  row: Promise<UserRow | undefined>;
  readAt: number;
}

const FIND_USER = `
  select id, email,
         jsonb_build_object(
           'role', raw_user_meta_data -> 'role',
           'settings', case when octet_length((raw_user_meta_data -> 'settings')::text) <= ${MAX_SETTINGS_BYTES}
                            then raw_user_meta_data -> 'settings' end) as metadata,
         coalesce(banned_until > now(), false)
           or deleted_at is not null
           or coalesce(raw_user_meta_data ->> 'isActive', 'true') = 'false' as inactive,
         switchboard.id_namespace(id) as "idNamespace"
    from auth.users where id = $1`;

const FIND_EMAILS = `select id, email from auth.users where id = any ($1::uuid[])`;

/**
 * Role and active state of users, from `auth.users`. Tokens can be stale for up to an hour, so they are not used for
 * this. Rows are cached for a few seconds and dropped when they change, on every instance.
 */
@Injectable()
export class UserDirectory {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly database: Database,
    notifications: Notifications,
  ) {
    notifications.on('switchboard_user', (userId) =>
      userId ? this.entries.delete(userId) : this.entries.clear(),
    );
  }

  /** @throws AppError 401 if the user no longer exists, 403 `user_inactive` if the user is deactivated or banned */
  async identify(userId: string): Promise<Identity> {
    const row = await this.find(userId);
    if (!row) throw unauthenticated('The user of this token no longer exists.');
    if (row.inactive) throw userInactive();
    const { role, settings } = row.metadata ?? {};
    return {
      id: row.id,
      email: row.email,
      role: role === 'admin' ? 'admin' : 'user',
      settings: isRecord(settings) ? settings : {},
      idNamespace: row.idNamespace,
    };
  }

  /** The namespace of a user's client ids, or undefined if there is no such user. */
  async idNamespaceOf(userId: string): Promise<string | undefined> {
    return (await this.find(userId))?.idNamespace;
  }

  /** The email addresses of users, by id. Deleted users and users without an address are not in the map. */
  async emailsOf(userIds: string[]): Promise<Map<string, string>> {
    if (userIds.length === 0) return new Map();
    const rows = await this.database.asService((manager) =>
      manager.query<Array<Pick<UserRow, 'id' | 'email'>>>(FIND_EMAILS, [userIds]),
    );
    return new Map(rows.flatMap(({ id, email }) => (email === null ? [] : [[id, email]])));
  }

  /** The next request reads the current row. */
  forget(userId: string): void {
    this.entries.delete(userId);
  }

  private find(userId: string): Promise<UserRow | undefined> {
    const cached = this.entries.get(userId);
    const age = cached ? performance.now() - cached.readAt : Number.POSITIVE_INFINITY;
    if (cached && age < LIFETIME) return cached.row;
    const row = this.read(userId);
    const entry: Entry = { row, readAt: performance.now() };
    this.entries.delete(userId);
    this.entries.set(userId, entry);
    if (this.entries.size > MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value ?? '');
    row.catch(() => {
      if (this.entries.get(userId) === entry) this.entries.delete(userId);
    });
    return row;
  }

  private async read(userId: string): Promise<UserRow | undefined> {
    const rows = await this.database.asService((manager) => manager.query<UserRow[]>(FIND_USER, [userId]));
    return rows[0];
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
