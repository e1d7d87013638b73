import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { AuditRepository, type AuditRow } from './audit.repository.js';
import type { AuditEntryDto } from './dto/audit-entry.dto.js';
import type { ListAuditQuery } from './dto/list-audit.query.js';

/** An action of an administrator. `before` and `after` values go into the details. Secrets never do. */
export interface AuditEvent {
  /** Null if it was not a user. */
  actor: string | null;
  /** `what.happened`, such as `user.updated`. */
  action: string;
  /** The target: a configuration key or a user's id. */
  target: string;
  details: Record<string, unknown>;
}

/** The actions of administrators. Nobody can change or remove entries. */
@Injectable()
export class AuditService {
  constructor(
    private readonly database: Database,
    private readonly entries: AuditRepository,
  ) {}

  /**
   * Adds an entry. Configuration changes do not need this, because the database records them itself.
   *
   * @param transaction the transaction of the change, so that the change and its entry are stored together or not at
   * all
   */
  async record(event: AuditEvent, transaction?: EntityManager): Promise<void> {
    if (transaction) await this.entries.insert(transaction, event);
    else await this.database.asService((manager) => this.entries.insert(manager, event));
  }

  /** Newest first. */
  async list(
    identity: Identity,
    { actor, action, limit, cursor }: ListAuditQuery,
  ): Promise<Page<AuditEntryDto>> {
    const filter = { actor, action, after: decodeCursor(cursor), limit };
    const rows = await this.database.asUser(identity, (manager) => this.entries.findPage(manager, filter));
    return toPage(rows, limit, newestFirst, toEntry);
  }
}

function toEntry({ id, actor, action, target, details, createdAt }: AuditRow): AuditEntryDto {
  return { id, actor, action, target, details, createdAt: createdAt.toISOString() };
}
