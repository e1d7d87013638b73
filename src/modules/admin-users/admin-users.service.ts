import { Inject, Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { UserDirectory } from '../../common/auth/user-directory.js';
import { Database } from '../../common/database/database.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import {
  conflict,
  forbidden,
  notFound,
  unavailable,
  validationFailed,
} from '../../common/errors/app-error.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { toShownTime } from '../../common/http/place.js';
import { TurnService } from '../turns/turn.service.js';
import { type AuditEvent, AuditService } from '../audit/audit.service.js';
import { searchPatterns } from '../chat/chat-search.js';
import { FilesService } from '../files/files.service.js';
import { AdminUsersRepository, type ManagedUserRow } from './admin-users.repository.js';
import type { AdminUserDto } from './dto/admin-user.dto.js';
import type { ListUsersQuery } from './dto/list-users.query.js';
import { USER_DOOR, type UserChanges, type UserDoor } from './user-door.js';

/** Changes of users wait for each other; whoever has waited longer than this is asked to come again. */
const PATIENCE = 15_000;

/** A change that was found to be allowed. */
interface Change {
  event: AuditEvent;
  make: () => Promise<void>;
}

/** Users as administrators see and change them. */
@Injectable()
export class AdminUsersService {
  private readonly logger = new Logger(AdminUsersService.name);
  /** The end of the change that is being made by this instance. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly users: AdminUsersRepository,
    private readonly directory: UserDirectory,
    private readonly turns: TurnService,
    private readonly audit: AuditService,
    private readonly files: FilesService,
    @Inject(USER_DOOR) private readonly door: UserDoor,
  ) {}

  /** The newest first. */
  async list({ q, role, isActive, limit, cursor }: ListUsersQuery): Promise<Page<AdminUserDto>> {
    const filter = {
      pattern: q ? searchPatterns(q).text : undefined,
      role,
      isActive,
      after: decodeCursor(cursor),
      limit: limit + 1,
    };
    const rows = await this.database.asService((manager) => this.users.findPage(manager, filter));
    return toPage(rows, limit, newestFirst, toUser);
  }

  /** @throws AppError 404 */
  async read(id: string): Promise<AdminUserDto> {
    const row = await this.database.asService((manager) => this.users.find(manager, id));
    if (!row) throw notFound('The user');
    return toUser(row);
  }

  /**
   * @throws AppError 400 when nothing is to be changed, 404, 409 when nobody would be left to administrate, 502 and 504
   * when Supabase fails
   */
  async update(actor: Identity, id: string, { role, isActive }: UserChanges): Promise<AdminUserDto> {
    if (role === undefined && isActive === undefined) {
      throw validationFailed([
        { path: 'role', message: 'or isActive must be sent' },
        { path: 'isActive', message: 'or role must be sent' },
      ]);
    }
    await this.change(actor, id, async (manager, row) => {
      const changes: UserChanges = {
        ...(role !== undefined && role !== row.role ? { role } : {}),
        ...(isActive !== undefined && isActive !== row.isActive ? { isActive } : {}),
      };
      const changed = Object.keys(changes) as Array<keyof UserChanges>;
      if (changed.length === 0) return undefined;
      if (role === 'user' || isActive === false) await this.expectOtherAdmin(manager, row);
      const before = Object.fromEntries(changed.map((key) => [key, row[key]]));
      return {
        event: { actor: actor.id, action: 'user.updated', target: id, details: { before, after: changes } },
        make: () => this.door.update(manager, id, changes),
      };
    });
    return this.read(id);
  }

  /**
   * Deletes a user with everything that is theirs; answers that are being written for them are ended first.
   *
   * @throws AppError 404, 409 when nobody would be left to administrate, 502 and 504 when Supabase fails
   */
  async delete(actor: Identity, id: string): Promise<void> {
    await this.change(actor, id, async (manager, row) => {
      await this.expectOtherAdmin(manager, row);
      // Who asks for deletion wants what was personal gone: the log keeps the id, and not the address.
      const before = { role: row.role, isActive: row.isActive };
      await this.turns.stopAll(id);
      return {
        event: { actor: actor.id, action: 'user.deleted', target: id, details: { before } },
        make: async () => {
          await this.deleteFiles(id);
          await this.door.delete(manager, id);
        },
      };
    });
  }

  /** Supabase keeps users who own files. What is left over here is removed later, when the user is gone. */
  private async deleteFiles(id: string): Promise<void> {
    try {
      await this.files.deleteAllOf(id);
    } catch (error) {
      this.logger.warn({ err: error }, 'The files of a user who is being deleted could not all be removed.');
    }
  }

  /** Checks and changes while nobody else changes users, on any instance. */
  private async change(
    actor: Identity,
    id: string,
    prepare: (manager: EntityManager, row: ManagedUserRow) => Promise<Change | undefined>,
  ): Promise<void> {
    let made: AuditEvent | undefined;
    const run = async (manager: EntityManager): Promise<void> => {
      await this.users.lock(manager);
      await this.expectAdmin(manager, actor);
      const row = await this.users.find(manager, id);
      if (!row) throw notFound('The user');
      const change = await prepare(manager, row);
      if (!change) return;
      await this.audit.record(change.event, manager);
      await change.make();
      made = change.event;
    };
    try {
      await this.inTurn(() => this.database.asServiceInTransaction(run));
    } catch (error) {
      if (made === undefined || this.door.isTransactional) throw error;
      // It has been done, and only the end of our own transaction failed.
      await this.recordLate(made, error);
    } finally {
      // The next request of this instance obeys, however long the notification takes.
      this.directory.forget(id);
    }
  }

  /** At most one connection of the pool is taken by changes, however many there are and however slow Supabase is. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    const turn = this.queue.then(() => {
      if (performance.now() - since > PATIENCE)
        throw unavailable('Other changes of users take too long at the moment. Try again.', 10);
      return work();
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The role may have been lost since the request was let in: two administrators may be removing each other. */
  private async expectAdmin(manager: EntityManager, actor: Identity): Promise<void> {
    const row = await this.users.find(manager, actor.id);
    if (!row?.isActiveAdmin) throw forbidden('Only administrators may do this.');
  }

  private async expectOtherAdmin(manager: EntityManager, row: ManagedUserRow): Promise<void> {
    if (!row.isActiveAdmin || (await this.users.hasOtherActiveAdmin(manager, row.id))) return;
    throw conflict('This is the last active administrator. Make somebody else an administrator first.');
  }

  private async recordLate(event: AuditEvent, cause: unknown): Promise<void> {
    try {
      await retryWhileUnavailable(() => this.audit.record(event));
    } catch (error) {
      this.logger.error(
        { err: error, cause, event },
        'A change of a user could not be put into the audit log.',
      );
    }
  }
}

function toUser(row: ManagedUserRow): AdminUserDto {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    isActive: row.isActive,
    bannedUntil: row.bannedUntil && toShownTime(row.bannedUntil),
    createdAt: toShownTime(row.createdAt),
    lastSignInAt: row.lastSignInAt && toShownTime(row.lastSignInAt),
    chats: row.chats,
  };
}
