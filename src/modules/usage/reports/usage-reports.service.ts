import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { UserDirectory } from '../../../common/auth/user-directory.js';
import { Database } from '../../../common/database/database.js';
import { toMoney } from '../../../common/http/money.js';
import type { UsageProjectionDto } from './dto/usage-projection.dto.js';
import type { UsageProjectionQuery } from './dto/usage-projection.query.js';
import type { UsageCallsQuery } from './dto/usage-calls.query.js';
import type { AdminUsageSummaryDto, UsageSummaryDto, UserUsageDto } from './dto/usage-summary.dto.js';
import type { UsageGroupDto, UsageTimeseriesDto } from './dto/usage-timeseries.dto.js';
import type { UsageTimeseriesQuery } from './dto/usage-timeseries.query.js';
import type { CallKind } from './call-kind.js';
import { toFigures } from './figures.js';
import { type Period, periodBefore, periodOf, startOfDay } from './period.js';
import { boundsOfPoints, defaultInterval, assertFigureCount } from './series.js';
import { projectCost } from './trend.js';
import { type PointRow, type SummaryRow, UsageSumsRepository } from './usage-sums.repository.js';

/** The number of past days that a projection is based on. */
const DAYS_OF_BASIS = 28;

/**
 * Sums of usage. Each report is one statement, so its figures are from the same moment. `userId` filters by user.
 * Without it, usage of all users is included.
 */
@Injectable()
export class UsageReportsService {
  constructor(
    private readonly database: Database,
    private readonly sums: UsageSumsRepository,
    private readonly directory: UserDirectory,
  ) {}

  /** @throws AppError 400 naming `from` or `to` */
  async summarize(
    identity: Identity,
    query: UsageCallsQuery & { userId?: string },
  ): Promise<UsageSummaryDto> {
    const { period, rows, previous } = await this.readSummary(identity, query);
    return toSummary(period, previous, rows);
  }

  /**
   * Like {@link summarize}, with the users with the highest cost.
   *
   * @throws AppError 400 naming `from` or `to`
   */
  async summarizeUsers(
    identity: Identity,
    query: UsageCallsQuery & { userId?: string; top: number },
  ): Promise<AdminUsageSummaryDto> {
    const { period, rows, previous } = await this.readSummary(identity, query);
    const summary = toSummary(period, previous, rows);
    const users = rows
      .filter(({ of }) => of === (query.userId === undefined ? 'user' : 'total'))
      .map((row) => ({ ...row, userId: row.userId ?? query.userId! }));
    const emails = await this.directory.emailsOf(users.map(({ userId }) => userId));
    const byUser = users.map((row): UserUsageDto => ({
      userId: row.userId,
      email: emails.get(row.userId) ?? null,
      ...toFigures(row),
    }));
    return { ...summary, byUser };
  }

  /** @throws AppError 400 naming `from`, `to` or `interval` */
  async trace(
    identity: Identity,
    { userId, groupBy, ...query }: UsageTimeseriesQuery & { userId?: string },
  ): Promise<UsageTimeseriesDto> {
    const period = periodOf(query);
    const interval = query.interval ?? defaultInterval(period);
    const bounds = boundsOfPoints(period, interval);
    const rows = await this.database.readAsUser(
      identity,
      (statements) =>
        this.sums.sumPoints(statements, { userId, bounds, interval, groupBy, only: kindOf(query) }),
      { isReport: true },
    );
    const wholes = new Map(rows.filter(({ isGroup }) => !isGroup).map((row) => [row.point, row]));
    const groups = groupsOf(rows);
    assertFigureCount(groups.length * (bounds.length - 1));
    const points = bounds.slice(1).map((end, index) => ({
      start: bounds[index]!.toISOString(),
      end: end.toISOString(),
      ...toFigures(wholes.get(index + 1)),
      ...(groupBy
        ? { groups: groups.map(({ name, points }) => ({ ...name, ...toFigures(points.get(index + 1)) })) }
        : {}),
    }));
    return { ...toPeriod(period), tz: period.tz, interval, points };
  }

  /** Projects the cost of the coming days, including today, from the last complete days. */
  async project(
    identity: Identity,
    { userId, days, tz }: UsageProjectionQuery & { userId?: string },
    now = new Date(),
  ): Promise<UsageProjectionDto> {
    const today = startOfDay(now, tz);
    const bounds = Array.from({ length: DAYS_OF_BASIS + 1 }, (_, index) =>
      startOfDay(now, tz, index - DAYS_OF_BASIS),
    );
    const [first, rows] = await Promise.all([
      this.database.readAsUser(identity, (statements) => this.sums.findFirst(statements, userId)),
      this.database.readAsUser(
        identity,
        (statements) => this.sums.sumPoints(statements, { userId, bounds, interval: 'day' }),
        {
          isReport: true,
        },
      ),
    ]);
    // Days before the first usage do not count as days without usage.
    const start = bounds.findLastIndex((bound) => first && bound <= first);
    const skipped = first === undefined ? DAYS_OF_BASIS : Math.max(0, start);
    const costs = new Map(rows.map(({ point, totalCost }) => [point, totalCost]));
    const daily = Array.from({ length: DAYS_OF_BASIS - skipped }, (_, index) =>
      Number(costs.get(skipped + index + 1) ?? 0),
    );
    const trend = projectCost(daily, days);
    return {
      ...toPeriod({ from: today, to: startOfDay(now, tz, days) }),
      tz,
      days,
      method: trend.method,
      basis: {
        ...toPeriod({ from: bounds[skipped]!, to: today }),
        days: daily.length,
        totalCost: toMoney(daily.reduce((sum, cost) => sum + cost, 0)),
      },
      averageDailyCost: toMoney(trend.averageDailyCost),
      trendPerDay: toMoney(trend.trendPerDay),
      projectedCost: toMoney(trend.projectedCost),
      low: trend.low === null ? null : toMoney(trend.low),
      high: trend.high === null ? null : toMoney(trend.high),
    };
  }

  private async readSummary(
    identity: Identity,
    { userId, top, ...query }: UsageCallsQuery & { userId?: string; top?: number },
  ): Promise<{ period: Period; previous: Period; rows: SummaryRow[] }> {
    const period = periodOf(query);
    const previous = periodBefore(period);
    const rows = await this.database.readAsUser(
      identity,
      (statements) =>
        this.sums.summarize(statements, {
          userId,
          previous,
          period,
          only: kindOf(query),
          top: userId === undefined ? top : undefined,
        }),
      { isReport: true },
    );
    return { period, previous, rows };
  }
}

function kindOf({ agentType, model, provider, status }: UsageCallsQuery): CallKind {
  return { agentType, model, provider, status };
}

function toPeriod({ from, to }: { from: Date; to: Date }): { from: string; to: string } {
  return { from: from.toISOString(), to: to.toISOString() };
}

function toSummary(period: Period, previous: Period, rows: SummaryRow[]): UsageSummaryDto {
  const those = (kind: SummaryRow['of']) => rows.filter(({ of }) => of === kind);
  return {
    ...toPeriod(period),
    tz: period.tz,
    ...toFigures(those('total')[0]),
    byAgent: those('agent').map((row) => ({ agentType: row.agentType!, ...toFigures(row) })),
    byModel: those('model').map((row) => ({ model: row.model!, provider: row.provider!, ...toFigures(row) })),
    previous: { ...toPeriod(previous), ...toFigures(those('previous')[0]) },
  };
}

interface Group {
  name: Pick<UsageGroupDto, 'agentType' | 'model' | 'provider' | 'status'>;
  cost: number;
  points: Map<number, PointRow>;
}

/** Every group in any point, highest cost first. */
function groupsOf(rows: PointRow[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    if (!row.isGroup) continue;
    const { agentType, model, provider, status } = row;
    const key = JSON.stringify([agentType, model, provider, status]);
    const group = groups.get(key) ?? {
      name: {
        ...(agentType === null ? {} : { agentType }),
        ...(model === null ? {} : { model }),
        ...(provider === null ? {} : { provider }),
        ...(status === null ? {} : { status }),
      },
      cost: 0,
      points: new Map<number, PointRow>(),
    };
    group.cost += Number(row.totalCost);
    group.points.set(row.point, row);
    groups.set(key, group);
  }
  return [...groups.entries()]
    .toSorted(([a, one], [b, other]) => other.cost - one.cost || (a < b ? -1 : 1))
    .map(([, group]) => group);
}
