import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Keyset } from '../../common/http/paging.js';

export interface AuditRow {
  id: string;
  actor: string | null;
  action: string;
  target: string;
  details: Record<string, unknown>;
  createdAt: Date;
}

export interface AuditFilter {
  actor?: string;
  /** An action, or what stands before the dot of several. */
  action?: string;
  after?: Keyset;
  limit: number;
}

/** Changes of the configuration are written by a trigger of `admin_config`. */
@Injectable()
export class AuditRepository {
  /** The latest first, at most `limit`. */
  findPage(manager: EntityManager, { actor, action, after, limit }: AuditFilter): Promise<AuditRow[]> {
    return manager.query<AuditRow[]>(
      `select id, actor, action, target, details, created_at as "createdAt" from switchboard.audit_log
        where ($1::uuid is null or actor = $1)
          and ($2::text is null or action = $2 or starts_with(action, $2 || '.'))
          and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
        order by created_at desc, id desc limit $5`,
      [actor ?? null, action ?? null, after?.at ?? null, after?.id ?? null, limit],
    );
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
