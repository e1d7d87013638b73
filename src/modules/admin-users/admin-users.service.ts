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
import { InstanceMessages } from '../../common/redis/instance-messages.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { toApiTime } from '../../common/http/cursor-time.js';
import { TurnService } from '../turns/turn.service.js';
import { type AuditEvent, AuditService } from '../audit/audit.service.js';
import { searchPatterns } from '../chat/chat-search.js';
import { FilesService } from '../files/files.service.js';
import { AdminUsersRepository, type ManagedUserRow } from './admin-users.repository.js';
import type { AdminUserDto } from './dto/admin-user.dto.js';
import type { ListUsersQuery } from './dto/list-users.query.js';
import { USER_WRITER, type UserChanges, type UserWriter } from './user-writer.js';

/** Changes to users wait for each other. A request that has waited longer than this is refused. */
const MAX_WAIT = 15_000;

/** A change that is allowed. */
interface Change {
  event: AuditEvent;
  make: () => Promise<void>;
}

/** Administrators read and change users with this service. */
@Injectable()
export class AdminUsersService {
  private readonly logger = new Logger(AdminUsersService.name);
  /** Settles when the change that this instance is making has ended. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly users: AdminUsersRepository,
    private readonly directory: UserDirectory,
    private readonly turns: TurnService,
    private readonly messages: InstanceMessages,
    private readonly audit: AuditService,
    private readonly files: FilesService,
    @Inject(USER_WRITER) private readonly writer: UserWriter,
  ) {}

  /** Newest first. */
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
   * @throws AppError 400 if nothing would change, 404, 409 if no administrator would be left, 502 and 504 if Supabase
   * fails
   */
  async update(actor: Identity, id: string, { role, isActive }: UserChanges): Promise<AdminUserDto> {
    if (role === undefined && isActive === undefined) {
      throw validationFailed([
        { path: 'role', message: 'or isActive is required' },
        { path: 'isActive', message: 'or role is required' },
      ]);
    }
    await this.change(actor, id, async (manager, row) => {
      const changes: UserChanges = {
        ...(role !== undefined && role !== row.role ? { role } : {}),
        ...(isActive !== undefined && isActive !== row.isActive ? { isActive } : {}),
      };
      const changed = Object.keys(changes) as Array<keyof UserChanges>;
      if (changed.length === 0) return undefined;
      if (role === 'user' || isActive === false) await this.assertOtherAdmin(manager, row);
      const before = Object.fromEntries(changed.map((key) => [key, row[key]]));
      return {
        event: { actor: actor.id, action: 'user.updated', target: id, details: { before, after: changes } },
        make: () => this.writer.update(manager, id, changes),
      };
    });
    return this.read(id);
  }

  /**
   * Deletes a user with all their data. The user's running answers are ended first.
   *
   * @throws AppError 404, 409 if no administrator would be left, 502 and 504 if Supabase fails
   */
  async delete(actor: Identity, id: string): Promise<void> {
    await this.change(actor, id, async (manager, row) => {
      await this.assertOtherAdmin(manager, row);
      // A deletion must remove personal data, so the log keeps the id and not the email address.
      const before = { role: row.role, isActive: row.isActive };
      await this.turns.stopAll(id);
      return {
        event: { actor: actor.id, action: 'user.deleted', target: id, details: { before } },
        make: async () => {
          await this.deleteFiles(id);
          await this.writer.delete(manager, id);
        },
      };
    });
  }

  /** Supabase refuses to delete a user who owns files. The sweep removes what is left over here. */
  private async deleteFiles(id: string): Promise<void> {
    try {
      await this.files.deleteAllOf(id);
    } catch (error) {
      this.logger.warn({ err: error }, 'Could not remove all files of a user who is being deleted.');
    }
  }

  /** Checks and changes while no instance makes other changes to users. */
  private async change(
    actor: Identity,
    id: string,
    prepare: (manager: EntityManager, row: ManagedUserRow) => Promise<Change | undefined>,
  ): Promise<void> {
    let made: AuditEvent | undefined;
    const run = async (manager: EntityManager): Promise<void> => {
      await this.users.lock(manager);
      await this.assertAdmin(manager, actor);
      const row = await this.users.find(manager, id);
      if (!row) throw notFound('The user');
      const change = await prepare(manager, row);
      if (!change) return;
      await this.audit.record(change.event, manager);
      await change.make();
      made = change.event;
    };
    try {
      await this.withUserLock(() => this.database.asServiceInTransaction(run));
    } catch (error) {
      if (made === undefined || this.writer.isTransactional) throw error;
      // The change was made, and only the end of our own transaction failed.
      await this.recordLate(made, error);
    } finally {
      // The next request of this instance uses the change, even if the notification is delayed.
      this.directory.forget(id);
      void this.messages.announce('switchboard_user', id);
    }
  }

  /** Changes use at most one connection of the pool, however many there are and however slow Supabase is. */
  private async withUserLock<T>(work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    const turn = this.queue.then(() => {
      if (performance.now() - since > MAX_WAIT)
        throw unavailable('Other changes to users are taking too long. Try again.', 10);
      return work();
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The role may have been lost since the request was admitted: two administrators may be removing each other. */
  private async assertAdmin(manager: EntityManager, actor: Identity): Promise<void> {
    const row = await this.users.find(manager, actor.id);
    if (!row?.isActiveAdmin) throw forbidden('Only administrators can do this.');
  }

  private async assertOtherAdmin(manager: EntityManager, row: ManagedUserRow): Promise<void> {
    if (!row.isActiveAdmin || (await this.users.hasOtherActiveAdmin(manager, row.id))) return;
    throw conflict('This is the last active administrator. Make another user an administrator first.');
  }

  private async recordLate(event: AuditEvent, cause: unknown): Promise<void> {
    try {
      await retryWhileUnavailable(() => this.audit.record(event));
    } catch (error) {
      this.logger.error(
        { err: error, cause, event },
        'A change to a user could not be written to the audit log.',
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
    bannedUntil: row.bannedUntil && toApiTime(row.bannedUntil),
    createdAt: toApiTime(row.createdAt),
    lastSignInAt: row.lastSignInAt && toApiTime(row.lastSignInAt),
    chats: row.chats,
  };
}
