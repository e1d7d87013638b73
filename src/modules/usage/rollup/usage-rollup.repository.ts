import { Injectable } from '@nestjs/common';
import { Database } from '../../../common/database/database.js';

/** Behind the beginning of a long queue it makes no difference how long it is. */
const MOST_COUNTED = 100_000;

const COUNT_PENDING = `
  select count(*)::integer as pending
    from (select from switchboard.usage_pending limit ${MOST_COUNTED}) as counted`;

/** The statements that bring the usage rollups up to date. */
@Injectable()
export class UsageRollupRepository {
  constructor(private readonly database: Database) {}

  /** How many differences are not in the rollups yet: at most 100,000, and that may stand for more. */
  async countPending(): Promise<number> {
    const rows = await this.database.asService((manager) =>
      manager.query<[{ pending: number }]>(COUNT_PENDING),
    );
    return rows[0].pending;
  }

  /**
   * Adds at most `batch` differences to the rollups, in one transaction.
   *
   * @returns how many; 0 also while somebody else writes the rollups
   */
  async fold(batch: number): Promise<number> {
    const rows = await this.database.asService((manager) =>
      manager.query<[{ folded: number }]>('select switchboard.fold_usage($1) as folded', [batch]),
    );
    return rows[0].folded;
  }
}
