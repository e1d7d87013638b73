import { Injectable } from '@nestjs/common';
import { Database } from '../../../common/database/database.js';

/** The length of the queue is only counted up to this number, because a longer queue makes no difference. */
const MAX_COUNTED = 100_000;

const COUNT_PENDING = `
  select count(*)::integer as pending
    from (select from switchboard.usage_pending limit ${MAX_COUNTED}) as counted`;

/** The statements that update the usage rollups. */
@Injectable()
export class UsageRollupRepository {
  constructor(private readonly database: Database) {}

  /** The number of pending changes. 100,000 is the maximum and may stand for more. */
  async countPending(): Promise<number> {
    const rows = await this.database.asService((manager) =>
      manager.query<[{ pending: number }]>(COUNT_PENDING),
    );
    return rows[0].pending;
  }

  /**
   * Adds at most `batch` pending changes to the rollups, in one transaction.
   *
   * @returns the number of added changes; also 0 while another process writes the rollups
   */
  async fold(batch: number): Promise<number> {
    const rows = await this.database.asService((manager) =>
      manager.query<[{ folded: number }]>('select switchboard.fold_usage($1) as folded', [batch]),
    );
    return rows[0].folded;
  }
}
