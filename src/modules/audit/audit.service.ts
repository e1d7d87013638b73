import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { decodeCursor, newestFirst, type Page, toPage } from '../../common/http/paging.js';
import { AuditRepository, type AuditRow } from './audit.repository.js';
import type { AuditEntryDto } from './dto/audit-entry.dto.js';
import type { ListAuditQuery } from './dto/list-audit.query.js';

/** Something that an administrator did; what is `before` and `after` belongs into the details, secrets never do. */
export interface AuditEvent {
  /** Null when it was no user. */
  actor: string | null;
  /** `what.happened`, such as `user.updated`. */
  action: string;
  /** What it was done to: a configuration key, a user's id. */
  target: string;
  details: Record<string, unknown>;
}

/** What administrators did. Nobody can change or remove what is in it. */
@Injectable()
export class AuditService {
  constructor(
    private readonly database: Database,
    private readonly entries: AuditRepository,
  ) {}

  /**
   * Adds what was done. Changes of the configuration need not: the database notes them by itself.
   *
   * @param transaction in which it is done, so that neither is there without the other
   */
  async record(event: AuditEvent, transaction?: EntityManager): Promise<void> {
    if (transaction) await this.entries.insert(transaction, event);
    else await this.database.asService((manager) => this.entries.insert(manager, event));
  }

  /** The latest first. */
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
