import pg from 'pg';
import { AppError } from '../../src/common/errors/app-error.js';
import { insertUsageLog } from '../fixtures/rows.js';
import {
  admissionRequest,
  admit,
  type AdmittedRun,
  awayFromTheEndOfTheHour,
  callOf,
  recordCall,
  refusalOf,
  secondsLeft,
  tally,
  usedOf,
} from '../support/admissions.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/chat-app.js';
import { sentStatements } from '../support/statements.js';

/** An admitted turn makes calls that were not known before, for example for an image. */
describe('a growing reservation', () => {
  let app: TestApp;
  let userId: string;

  beforeAll(async () => {
    app = await startTestApp();
  });

  beforeEach(async () => {
    await awayFromTheEndOfTheHour(app.database);
    userId = (await app.createUser()).id;
  }, 60_000);

  afterAll(() => app.close());

  const admitted = (expectedCost: string, budget: { daily?: number; monthly?: number } | undefined) =>
    admit(app, admissionRequest(userId, { expectedCost, budget }));

  /** Makes a call that costs what is expected of it, unless told otherwise. */
  const call = (admission: AdmittedRun, expectedCost: string, cost = expectedCost) =>
    admission.reserving({
      costs: () => ({ expectedCost }),
      what: 'generating an image',
      make: () => recordCall(app, userId, cost),
    });

  const refusedCall = async (admission: AdmittedRun, expectedCost: string): Promise<AppError> => {
    const refusal = await call(admission, expectedCost).catch((error: unknown) => error);
    if (!(refusal instanceof AppError)) throw refusal as Error;
    return refusal;
  };

  const reservations = async (): Promise<string[]> =>
    (
      await app.database.query(
        `select trim_scale(reserved_cost)::text as cost from switchboard.runs where user_id = $1`,
        [userId],
      )
    ).map(({ cost }) => cost as string);

  const spent = async (): Promise<number> => {
    const [{ cost }] = (await app.database.query(
      `select coalesce(sum(total_cost), 0)::float8 as cost from usage_logs where user_id = $1`,
      [userId],
    )) as [{ cost: number }];
    return cost;
  };

  /** How many of simultaneous calls are made; none costs anything before it is said of all whether they are. */
  const callAtOnce = async (turns: AdmittedRun[], expectedCost: string): Promise<Record<string, number>> => {
    const decided = Promise.withResolvers<void>();
    let undecided = turns.length;
    const decide = (outcome: string): string => {
      if (--undecided === 0) decided.resolve();
      return outcome;
    };
    const outcomes = turns.map((turn) => {
      let outcome = '';
      return turn
        .reserving({
          costs: () => ({ expectedCost }),
          what: 'generating an image',
          make: async () => {
            outcome = decide('made');
            await decided.promise;
            await recordCall(app, userId, expectedCost);
          },
        })
        .then(
          () => outcome,
          (error: unknown) => decide(error instanceof AppError ? error.code : String(error)),
        );
    });
    return tally(await Promise.all(outcomes));
  };

  it('does not let concurrent calls spend more than the budget allows', async () => {
    const turns = await Promise.all(Array.from({ length: 20 }, () => admitted('0.01', { daily: 1 })));
    // The turns themselves reserve 0.2, so 8 images fit.
    expect(await callAtOnce(turns, '0.1')).toEqual({ made: 8, budget_exceeded: 12 });
    expect(await spent()).toBeCloseTo(0.8);
  });

  it('waits in line behind the admissions of the same user', async () => {
    const budget = { daily: 1 };
    const turns = await Promise.all([1, 2, 3].map(() => admitted('0.1', budget)));
    const another = new pg.Client({ connectionString: app.database.url });
    await another.connect();
    try {
      await another.query('begin');
      await another.query(
        `select switchboard.admit('admit', gen_random_uuid(), $1, 'chat', 1000, 1000, 1, null, 0.1, 0.1, 0,
                                   interval '2 minutes', 1, null, null)`,
        [userId],
      );
      const outcomes = callAtOnce(turns, '0.25');
      await eventually(async () => {
        const waiting = await app.database.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted
              and database = (select oid from pg_database where datname = current_database())`,
        );
        // The third waits for a connection: a user may hold a quarter of the pool.
        return waiting.length === 2;
      });
      await another.query('commit');
      expect(await outcomes).toEqual({ made: 2, budget_exceeded: 1 });
    } finally {
      await another.end();
    }
  });

  it('counts against turns that want to start, and they count against it', async () => {
    const budget = { monthly: 1 };
    const turn = await admitted('0.1', budget);
    await turn.reserving({
      costs: () => ({ expectedCost: '0.5' }),
      what: 'drawing a picture',
      make: async () => {
        expect(await reservations()).toEqual(['0.6']);
        await refusalOf(app, admissionRequest(userId, { expectedCost: '0.400001', budget }));
        await admitted('0.4', budget);
      },
    });
    await refusedCall(turn, '0.500001');
    await turn.settle();
    expect(await reservations()).toEqual(['0.4']);
  });

  it.each([
    ['daily', 'day'],
    ['monthly', 'month'],
  ] as const)('is refused by its %s budget with a readable message', async (type, period) => {
    const turn = await admitted('0.1', { [type]: 1 });
    const refusal = await refusedCall(turn, '0.900001');
    const left = (await secondsLeft(app.database))[period];
    expect(refusal).toMatchObject({
      status: 429,
      code: 'budget_exceeded',
      detail: `Your budget of 1 USD per ${period} for the agent chat does not allow generating an image now. Try again when the next ${period} (UTC) begins.`,
    });
    expect(Math.abs(Number(refusal.headers?.['retry-after']) - left)).toBeLessThan(5);
    // Nothing has changed: the turn keeps its reservation, and takes no other one.
    expect(await reservations()).toEqual(['0.1']);
    expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    await call(turn, '0.9');
  });

  it('does not count a recorded call twice', async () => {
    const turn = await admitted('0.1', { daily: 1 });
    await call(turn, '0.3');
    expect(await reservations()).toEqual(['0.4']);
    // Until the next call is admitted, it counts as reserved and as spent: 0.7.
    await refusalOf(app, admissionRequest(userId, { expectedCost: '0.300001', budget: { daily: 1 } }));
    await call(turn, '0.3', '0.2');
    expect(await reservations()).toEqual(['0.4']);
    await refusedCall(turn, '0.400001');
    await call(turn, '0.4');
    expect(await reservations()).toEqual(['0.5']);
    expect(await spent()).toBeCloseTo(0.9);
  });

  it('keeps the reserved amount until the call is recorded', async () => {
    const turn = await admitted('0', { daily: 1 });
    const make = () =>
      turn.reserving({
        costs: () => ({ expectedCost: '0.6' }),
        what: 'drawing a picture',
        // It has ended, and is to be booked with what is stored next.
        make: () => Promise.resolve(turn.run.finish(callOf(turn, '0.1'))),
      });
    await make();
    expect(await spent()).toBe(0);
    await make();
    expect(await spent()).toBeCloseTo(0.1);
    expect(await reservations()).toEqual(['0.6']);
    await turn.settle();
    expect(await spent()).toBeCloseTo(0.2);
  });

  it('also releases the amount that was reserved for a failed call', async () => {
    const turn = await admitted('0', { daily: 1 });
    const failing = turn.reserving({
      costs: () => ({ expectedCost: '0.9' }),
      what: 'generating an image',
      make: () => Promise.reject(new Error('It went wrong.')),
    });
    await expect(failing).rejects.toThrow('It went wrong.');
    await call(turn, '0.9');
    expect(await reservations()).toEqual(['0.9']);
  });

  it('counts even if it was not renewed, and continues', async () => {
    const turn = await admitted('0.6', { daily: 1 });
    await app.database.query(
      `update switchboard.runs set expires_at = now() - interval '1 second' where user_id = $1`,
      [userId],
    );
    await refusedCall(turn, '0.5');
    await call(turn, '0.4', '0');
    await refusalOf(app, admissionRequest(userId, { expectedCost: '0.1', budget: { daily: 1 } }));
  });

  it('is not created again after its turn has ended', async () => {
    const turn = await admitted('0.1', { daily: 1 });
    await turn.settle();
    await expect(call(turn, '0.1')).rejects.toThrow('The reservation of a run no longer exists.');
    expect([await reservations(), await spent()]).toEqual([[], 0]);
  });

  it('counts spending of other turns of the same agent, and only that', async () => {
    const turn = await admitted('0', { daily: 1 });
    await insertUsageLog(app.database, userId, { total_cost: '5', agent_type: 'artifact' });
    await call(turn, '0.5', '0');
    await insertUsageLog(app.database, userId, { total_cost: '0.6' });
    await refusedCall(turn, '0.5');
  });

  it('costs nothing without a budget', async () => {
    const turn = await admitted('0.1', undefined);
    let made = false;
    const { roundTrips } = await sentStatements(() =>
      turn.reserving({
        costs: () => {
          throw new Error('Nothing needs the costs.');
        },
        what: 'generating an image',
        make: () => Promise.resolve((made = true)),
      }),
    );
    expect([made, roundTrips]).toEqual([true, 0]);
  });

  it('is inaccessible to users', async () => {
    const reachable = await app.database.query(
      `select role from unnest(array['anon', 'authenticated']) role, pg_proc
        where proname in ('admit', 'book_calls', 'close_runs') and has_function_privilege(role, pg_proc.oid, 'execute')`,
    );
    expect(reachable).toEqual([]);
  });
});
