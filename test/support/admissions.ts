import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../src/common/errors/app-error.js';
import type { AccountedRun } from '../../src/modules/accounting/accounted-run.js';
import { Accounting } from '../../src/modules/accounting/accounting.service.js';
import { runContext } from '../../src/modules/accounting/run-context.js';
import type { FurtherCall } from '../../src/modules/rate-limit/admission.js';
import type { AdmissionRequest } from '../../src/modules/rate-limit/admission.types.js';
import { NO_TOKENS } from '../../src/modules/usage/pricing.js';
import type { FinishedCall } from '../../src/modules/usage/usage.types.js';
import type { TestApp } from './app.js';
import type { TestDatabase } from './postgres.js';
import { TEST_JWT_SECRET } from './tokens.js';

/** Longer than any test here takes. */
const MARGIN = 20;

/** The default request: no limit refuses it. */
export function admissionRequest(userId: string, changes: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    userId,
    agentType: 'chat',
    limits: { hourly: 1_000, daily: 1_000 },
    expectedCost: '0',
    ...changes,
  };
}

/** A run of a user that is not admitted yet. */
export function begin(
  { app }: TestApp,
  { userId, agentType }: Pick<AdmissionRequest, 'userId' | 'agentType'>,
) {
  const asker = { userId, requestId: randomUUID() };
  const name = { agentType, purpose: 'answer' as const };
  return runContext.run({ asker }, () => app.get(Accounting, { strict: false }).begin(name));
}

/** An admitted run, and what tests do with it. */
export class AdmittedRun {
  readonly run: AccountedRun;

  constructor(run: AccountedRun) {
    this.run = run;
  }

  get headers() {
    return this.run.admission!.headers;
  }

  firstCallEnded(): void {
    this.run.admission!.firstCallEnded();
  }

  reserving<T>(call: FurtherCall<T>): Promise<T> {
    return this.run.admission!.reserving(call);
  }

  /** A provider has refused it, and nothing was used. */
  async giveBack(): Promise<void> {
    expect(await this.run.end({ failure: { status: 400 } })).toBe(true);
  }

  async settle(): Promise<void> {
    expect(await this.run.end()).toBe(true);
  }
}

/** @throws AppError 429 */
export async function admit(app: TestApp, request: AdmissionRequest): Promise<AdmittedRun> {
  const run = begin(app, request);
  await app.app.get(Accounting, { strict: false }).admit(run, request);
  return new AdmittedRun(run);
}

/** @throws if the request is admitted, or fails with anything but a client error */
export async function refusalOf(app: TestApp, request: AdmissionRequest): Promise<AppError> {
  const refusal = await admit(app, request).catch((error: unknown) => error);
  if (!(refusal instanceof AppError)) throw refusal as Error;
  return refusal;
}

/** The number of concurrent requests by outcome. */
export function tally(outcomes: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Sends `times` requests at once. Returns `admitted` or the code of the error for each. */
export async function admitAtOnce(app: TestApp, times: number, request: AdmissionRequest): Promise<string[]> {
  return Promise.all(
    Array.from({ length: times }, () =>
      admit(app, request).then(
        () => 'admitted',
        (error: unknown) => (error instanceof AppError ? error.code : String(error)),
      ),
    ),
  );
}

/** A model call in a run, as the agents record it. */
export function callOf({ run }: AdmittedRun, totalCost: string): FinishedCall {
  const sent = run.send(run.part({}), { provider: 'google', id: 'gemini-2.5-flash', ownKey: false }, () => ({
    ...figures,
    metadata: sent.metadata,
  }));
  const cost = { inputCost: '0', outputCost: totalCost, totalCost };
  const figures = {
    tokens: { ...NO_TOKENS, inputTokens: 1, outputTokens: 1 },
    cost: { ...cost, unrounded: cost },
  };
  return { ...sent, ...figures, respondedAt: new Date(), durationMs: 1 };
}

/** A call that is booked, together with the end of `run` if it is given. */
export async function recordCall(
  app: TestApp,
  userId: string,
  totalCost: string,
  ending?: AdmittedRun,
): Promise<void> {
  const admitted = ending ?? new AdmittedRun(begin(app, { userId, agentType: 'chat' }));
  admitted.run.finish(callOf(admitted, totalCost));
  await admitted.settle();
}

/** The requests that the current windows have counted. */
export async function usedOf(
  { database }: TestApp,
  userId: string,
  agent = 'chat',
): Promise<{ hourly: number; daily: number }> {
  const rows = await database.query(
    `select limit_type as type, request_count as used from rate_limit_tracking
      where user_id = $1 and agent_type = $2 and period_end > now()`,
    [userId, agent],
  );
  const of = (type: string) => (rows.find((row) => row.type === type)?.used ?? 0) as number;
  return { hourly: of('hourly'), daily: of('daily') };
}

/** Simulates that the user's current window of this type has ended. */
export async function passTime({ database }: TestApp, userId: string, limitType: string): Promise<void> {
  const [period, column] = limitType === 'hourly' ? ['1 hour', 'counted_hour'] : ['24 hours', 'counted_day'];
  await database.query(
    `with past as (
       select $3::interval * count(*) as time from rate_limit_tracking where user_id = $1 and limit_type = $2
     ), runs as (
       update switchboard.runs set ${column} = ${column} - past.time from past where user_id = $1
     )
     update rate_limit_tracking set period_start = period_start - past.time, period_end = period_end - past.time
       from past where user_id = $1 and limit_type = $2 and period_end > now()`,
    [userId, limitType, period],
  );
}

/** Seconds left of the database's hour, day and month (UTC). */
export async function secondsLeft(
  database: TestDatabase,
): Promise<{ hour: number; day: number; month: number }> {
  const [row] = await database.query(
    `select ${['hour', 'day', 'month']
      .map(
        (
          period,
        ) => `extract(epoch from date_trunc('${period}', clock) + interval '1 ${period}' - clock)::float8
                       as "${period}"`,
      )
      .join(', ')} from (select clock_timestamp() at time zone 'UTC') as now (clock)`,
  );
  return row;
}

/** A test that counts in an hour must not cross its end. Waits for the next hour if this one is almost over. */
export async function awayFromTheEndOfTheHour(database: TestDatabase): Promise<void> {
  for (;;) {
    const { hour } = await secondsLeft(database);
    if (hour > MARGIN) return;
    await sleep(hour * 1_000);
  }
}

/** Another server process on the same database. */
export interface AdmittingProcess {
  process: ChildProcess;
  /** Sends `times` requests at once. Returns `admitted` or the code of the error for each. */
  admitAtOnce(times: number, request: AdmissionRequest): Promise<string[]>;
  /** SIGKILL, without a graceful shutdown. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startAdmittingProcess(database: TestDatabase): Promise<AdmittingProcess> {
  const child = fork('test/support/admitting-process.js', {
    env: {
      ...process.env,
      NODE_ENV: 'test',
      NODE_OPTIONS: '',
      DATABASE_POOL_SIZE: '8',
      DATABASE_URL: database.url,
      SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
    },
  });
  const exited = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('The process did not start.'))),
  ]);
  return {
    process: child,
    admitAtOnce: async (times, request) => {
      const answer = once(child, 'message');
      child.send({ request, times });
      const [outcomes] = (await answer) as [string[]];
      return outcomes;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
