import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { toMoney } from '../../common/http/money.js';
import type { Keyset } from '../../common/http/paging.js';
import { OwnUsageRepository, type UsageRow } from './own-usage.repository.js';

const STRETCH = 1_000;

/** A model call as its user is shown it: USD as numbers, times as ISO 8601. */
export interface OwnCall extends Omit<
  UsageRow,
  'inputCost' | 'outputCost' | 'totalCost' | 'requestTimestamp' | 'responseTimestamp'
> {
  inputCost: number;
  outputCost: number;
  totalCost: number;
  requestTimestamp: string;
  responseTimestamp: string | null;
}

/** The calls that were made for a user. */
@Injectable()
export class OwnUsageService {
  constructor(
    private readonly database: Database,
    private readonly repository: OwnUsageRepository,
  ) {}

  /** Oldest first, as many after a place as are read at a time. */
  async list(identity: Identity, after?: Keyset): Promise<OwnCall[]> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.repository.find(statements, { userId: identity.id, after, limit: STRETCH }),
    );
    return rows.map(toCall);
  }
}

function toCall(row: UsageRow): OwnCall {
  return {
    ...row,
    inputCost: toMoney(row.inputCost),
    outputCost: toMoney(row.outputCost),
    totalCost: toMoney(row.totalCost),
    requestTimestamp: row.requestTimestamp.toISOString(),
    responseTimestamp: row.responseTimestamp?.toISOString() ?? null,
  };
}
