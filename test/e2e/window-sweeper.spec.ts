import pg from 'pg';
import { ADVISORY_LOCKS } from '../../src/common/database/advisory-locks.js';
import { WindowSweeper } from '../../src/modules/rate-limit/window-sweeper.js';
import { insertRateLimit } from '../fixtures/rows.js';
import { admissionRequest, admit, awayFromTheEndOfTheHour, usedOf } from '../support/admissions.js';
import { startTestApp, type TestApp } from '../support/app.js';

describe('windows that have ended', () => {
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

  const countOf = async () =>
    (await app.database.query('select 1 from rate_limit_tracking where user_id = $1', [userId])).length;

  /** Three that ended long ago, one that has just ended, and the two current ones. */
  async function insertWindows() {
    await admit(app, admissionRequest(userId));
    for (const [start, end] of [
      [50, 49],
      [40, 39],
      [30, 29],
      [2, 1],
    ]) {
      const [window] = await app.database.query(
        `select now() - $1 * interval '1 hour' as period_start, now() - $2 * interval '1 hour' as period_end`,
        [start, end],
      );
      await insertRateLimit(app.database, userId, window);
    }
  }

  it('are deleted in batches', async () => {
    await insertWindows();
    await app.app.get(WindowSweeper).sweep(2);
    expect(await countOf()).toBe(3);
    expect(await usedOf(app, userId)).toEqual({ hourly: 1, daily: 1 });
  });

  it('are deleted by one instance at a time', async () => {
    await insertWindows();
    const other = new pg.Client(app.database.url);
    await other.connect();
    try {
      await other.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.windowSweep]);
      await app.app.get(WindowSweeper).sweep();
      expect(await countOf()).toBe(6);
      await other.query('select pg_advisory_unlock($1)', [ADVISORY_LOCKS.windowSweep]);
      await app.app.get(WindowSweeper).sweep();
      expect(await countOf()).toBe(3);
    } finally {
      await other.end();
    }
  });
});
