import { ReservationLeases } from '../../src/modules/rate-limit/reservation-leases.js';
import { WindowSweeper } from '../../src/modules/rate-limit/window-sweeper.js';
import { insertUsageLog } from '../fixtures/rows.js';
import {
  admissionRequest,
  admit,
  admitAtOnce,
  awayFromTheEndOfTheHour,
  recordCall,
  refusalOf,
  secondsLeft,
  startAdmittingProcess,
  tally,
  usedOf,
} from '../support/admissions.js';
import { startTestApp, type TestApp } from '../support/app.js';

describe('budgets', () => {
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

  const request = (expectedCost: string | number, budget: { daily?: number; monthly?: number }) =>
    admissionRequest(userId, { expectedCost, budget });

  const spend = (cost: string, columns: object = {}) =>
    insertUsageLog(app.database, userId, { total_cost: cost, ...columns });

  const reservations = () =>
    app.database.query(
      `select id, reserved_cost::text as cost, extract(epoch from expires_at - now())::float8 as "secondsLeft"
         from switchboard.runs where user_id = $1`,
      [userId],
    );

  it('cannot be overspent by concurrent turns', async () => {
    const outcomes = await admitAtOnce(app, 50, request('0.10', { daily: 1 }));
    expect(tally(outcomes)).toEqual({ admitted: 10, budget_exceeded: 40 });
    expect(await usedOf(app, userId)).toEqual({ hourly: 10, daily: 10 });
  });

  it('cannot be overspent by turns on several servers', async () => {
    const servers = await Promise.all([1, 2].map(() => startAdmittingProcess(app.database)));
    try {
      const outcomes = await Promise.all(
        servers.map((server) => server.admitAtOnce(100, request(0.1, { monthly: 2 }))),
      );
      expect(tally(outcomes.flat())).toEqual({ admitted: 20, budget_exceeded: 180 });
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }, 60_000);

  it.each([
    ['daily', 'day'],
    ['monthly', 'month'],
  ] as const)('of a period (%s) refuses until the period ends', async (type, period) => {
    const refusal = await refusalOf(app, request('1.000001', { [type]: 1 }));
    const left = (await secondsLeft(app.database))[period];
    expect(refusal).toMatchObject({
      status: 429,
      code: 'budget_exceeded',
      detail: expect.stringMatching(`1 USD per ${period}`),
    });
    expect(Math.abs(Number(refusal.headers?.['retry-after']) - left)).toBeLessThan(5);
    expect(refusal.headers).toMatchObject({ 'RateLimit-Limit': '1000', 'RateLimit-Remaining': '1000' });
  });

  it('takes nothing from the windows when it refuses, and reserves nothing when they refuse', async () => {
    await refusalOf(app, request(2, { daily: 1 }));
    expect(await usedOf(app, userId)).toEqual({ hourly: 0, daily: 0 });
    const refusal = await refusalOf(app, { ...request(1, { daily: 1 }), limits: { hourly: 0, daily: 1 } });
    expect(refusal.code).toBe('rate_limited');
    expect(await reservations()).toEqual([]);
  });

  it('can be used up to the last micro-dollar', async () => {
    await spend('0.999999');
    await refusalOf(app, request('0.000002', { daily: 1 }));
    await admit(app, request(1e-6, { daily: 1 }));
    await refusalOf(app, request('0.000001', { daily: 1 }));
    await admit(app, request(0, { daily: 1 }));
  });

  it('of zero admits turns that cost nothing', async () => {
    await refusalOf(app, request('0.000001', { daily: 0 }));
    await admit(app, request('0', { daily: 0, monthly: 0 }));
  });

  it('is separate for each user and each agent', async () => {
    await spend('1');
    const other = await app.createUser();
    await admit(app, { ...request(1, { daily: 1 }), userId: other.id });
    await admit(app, { ...request(1, { daily: 1 }), agentType: 'artifact' });
    await refusalOf(app, request('0.1', { daily: 1 }));
  });

  it('includes what the choice of agents has cost, whichever agent answered', async () => {
    await spend('0.25', { agent_type: 'routing' });
    for (const agentType of ['chat', 'artifact'] as const) {
      await refusalOf(app, { ...request('0.750001', { daily: 1 }), agentType });
      await admit(app, { ...request('0.75', { daily: 1 }), agentType });
    }
  });

  it('does not include calls with the keys of users', async () => {
    await spend('5', { metadata: { ownKey: true } });
    await refusalOf(app, request('1.000001', { daily: 1 }));
    await admit(app, request('1', { daily: 1 }));
  });

  it('counts spending in its own period', async () => {
    const at = async (moment: string) => {
      const [row] = await app.database.query(
        `select (${moment}) at time zone 'UTC' as moment from (select now() at time zone 'UTC') now (utc)`,
      );
      return { request_timestamp: row.moment };
    };
    await spend('5', await at(`date_trunc('month', utc) - interval '1 millisecond'`));
    await admit(app, request('0.001', { monthly: 1 }));
    await spend('5', await at(`date_trunc('day', utc) - interval '1 millisecond'`));
    await admit(app, request('0.001', { daily: 1 }));
    await spend('5', await at(`date_trunc('month', utc)`));
    await refusalOf(app, request('0.001', { monthly: 1 }));
    await spend('5', await at(`date_trunc('day', utc)`));
    await refusalOf(app, request('0.001', { daily: 1 }));
  });

  it('is settled with the real cost of the calls', async () => {
    const budget = { daily: 1 };
    const first = await admit(app, request('0.9', budget));
    await refusalOf(app, request('0.9', budget));
    await recordCall(app, userId, '0.04');
    await recordCall(app, userId, '0.06');
    await Promise.all([first.settle(), first.settle()]);
    expect(await reservations()).toEqual([]);
    await refusalOf(app, request('0.900001', budget));
    const second = await admit(app, request('0.9', budget));
    await recordCall(app, userId, '1.5');
    await second.settle();
    await refusalOf(app, request('0.000001', budget));
  });

  it('is settled together with the last call', async () => {
    const admission = await admit(app, request('0.9', { daily: 1 }));
    expect(await reservations()).toHaveLength(1);
    await recordCall(app, userId, '0.2', admission);
    expect(await reservations()).toEqual([]);
    await admission.giveBack();
    expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
    await refusalOf(app, request('0.800001', { daily: 1 }));
    await admit(app, request('0.8', { daily: 1 }));
  });

  it('is not reserved where there is none', async () => {
    const admission = await admit(app, request('0.9', {}));
    expect(await reservations()).toMatchObject([{ cost: '0' }]);
    await admission.settle();
    expect(await reservations()).toEqual([]);
  });

  it('is available again when a turn is released', async () => {
    const admission = await admit(app, request(1, { daily: 1 }));
    await refusalOf(app, request(1, { daily: 1 }));
    await Promise.all([admission.giveBack(), admission.giveBack()]);
    await admit(app, request(1, { daily: 1 }));
    expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
  });

  it('applies to the next request after a change', async () => {
    await admit(app, request(1, { daily: 1 }));
    await refusalOf(app, request(1, { daily: 1.5 }));
    await admit(app, request(1, { daily: 2 }));
    await admit(app, request(100, {}));
    await refusalOf(app, request(1, { daily: 2, monthly: 100 }));
  });

  describe('reservations', () => {
    /** Simulates the time after which a reservation expires. */
    const runOut = () =>
      app.database.query(
        `update switchboard.runs set expires_at = now() - interval '1 second' where user_id = $1`,
        [userId],
      );

    it('of a killed process expire within minutes', async () => {
      const server = await startAdmittingProcess(app.database);
      expect(await server.admitAtOnce(1, request('1', { daily: 1 }))).toEqual(['admitted']);
      await server.kill();
      await refusalOf(app, request('1', { daily: 1 }));
      const [{ secondsLeft: left }] = (await reservations()) as [{ secondsLeft: number }];
      expect(left).toBeGreaterThan(60);
      expect(left).toBeLessThanOrEqual(120);
      await runOut();
      await admit(app, request('1', { daily: 1 }));
    }, 60_000);

    it('are renewed while their process and their turn run', async () => {
      const leases = app.app.get(ReservationLeases);
      const admission = await admit(app, request('1', { daily: 1 }));
      await runOut();
      await leases.renew();
      const [{ secondsLeft: left }] = (await reservations()) as [{ secondsLeft: number }];
      expect(left).toBeGreaterThan(60);
      await refusalOf(app, request('1', { daily: 1 }));
      await admission.settle();
      await leases.renew();
      expect(await reservations()).toEqual([]);
    });

    it('are deleted long after they have expired', async () => {
      await admit(app, request('1', { daily: 1 }));
      await runOut();
      await app.app.get(WindowSweeper).sweep();
      expect(await reservations()).toHaveLength(1);
      await app.database.query(
        `update switchboard.runs set expires_at = now() - interval '61 minutes' where user_id = $1`,
        [userId],
      );
      await app.app.get(WindowSweeper).sweep();
      expect(await reservations()).toEqual([]);
    });

    it('are inaccessible to users', async () => {
      const rights = await app.database.query(
        `select role, relation from unnest(array['anon', 'authenticated']) role,
                unnest(array['switchboard.daily_spending']) relation
          where has_table_privilege(role, relation, 'select, insert, update, delete, truncate')
         union all
         select role, 'switchboard.admit' from unnest(array['anon', 'authenticated']) role, pg_proc
          where proname = 'admit' and pronamespace = 'switchboard'::regnamespace
            and has_function_privilege(role, pg_proc.oid, 'execute')`,
      );
      expect(rights).toEqual([]);
    });
  });
});
