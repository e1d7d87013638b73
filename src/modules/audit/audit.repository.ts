import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { Keyset } from '../../common/http/paging.js';

export interface AuditRow {
  id: string;
  actor: string | null;
  action: string;
  target: string;
  details: Record<string, unknown>;
  createdAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

export interface AuditFilter {
  actor?: string;
  /** An action, or the part before the dot that several actions share. */
  action?: string;
  after?: Keyset;
  limit: number;
}

const FIND_PAGE = `
  select id, actor, action, target, details, created_at as "createdAt", "hasMore"
    from ${boundedRows({
      rows: `
        select * from switchboard.audit_log
         where ($1::uuid is null or actor = $1)
           and ($2::text is null or action = $2 or starts_with(action, $2 || '.'))
           and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
         order by created_at desc, id desc limit $5::int + 1`,
      order: 'created_at desc, id desc',
      texts: ['target'],
      jsons: ['details'],
      limit: '$5',
    })} entry
   order by created_at desc, id desc`;

/** A trigger of `admin_config` writes the entries for configuration changes. */
@Injectable()
export class AuditRepository {
  /** A page of the log, newest first. */
  findPage(manager: EntityManager, { actor, action, after, limit }: AuditFilter): Promise<AuditRow[]> {
    return manager.query<AuditRow[]>(FIND_PAGE, [
      actor ?? null,
      action ?? null,
      after?.at ?? null,
      after?.id ?? null,
      limit,
    ]);
  }

  async insert(
    manager: EntityManager,
    { actor, action, target, details }: Pick<AuditRow, 'actor' | 'action' | 'target' | 'details'>,
  ): Promise<void> {
    await manager.query(
      'insert into switchboard.audit_log (actor, action, target, details) values ($1, $2, $3, $4)',
      [actor, action, target, JSON.stringify(details)],
    );
  }
}
