import { runCampaign } from '../fuzz/campaign.js';
import { describeFailures } from '../fuzz/report.js';
import { startTarget, type Target } from '../fuzz/target.js';

/** The short form of `npm run test:fuzz`: always the same requests, a few for each operation. */
describe('generated requests', () => {
  let target: Target;

  beforeAll(async () => {
    target = await startTarget();
  });
  afterAll(() => target?.close());

  it('are answered as documented, quickly, and reveal no internals', async () => {
    const results = await runCampaign(target, { seed: 20_261_126, requests: 800 });
    expect(describeFailures(results)).toEqual([]);
    // Many must pass validation for this to be meaningful.
    const good = results.filter(({ byStatus }) => [...byStatus.keys()].some((status) => status < 300));
    expect(good.length).toBeGreaterThan(results.length * 0.9);
  });
});
