import { projectCost } from './trend.js';

describe('projectCost', () => {
  it('continues the line of a steady growth', () => {
    const costs = Array.from({ length: 28 }, (_, day) => 10 + 2 * day);
    const trend = projectCost(costs, 3);
    expect(trend.trendPerDay).toBeCloseTo(2, 9);
    expect(trend.averageDailyCost).toBeCloseTo(37, 9);
    expect(trend.projectedCost).toBeCloseTo(66 + 68 + 70, 9);
    expect(trend.low).toBeCloseTo(204, 6);
    expect(trend.high).toBeCloseTo(204, 6);
    expect(trend.method).toMatch(/least squares.*28 complete days/i);
  });

  it('has the prediction interval of a textbook', () => {
    // y = 4 + x/2 with residuals of ±1; checked by hand: s² = 7/5 × …
    const costs = [5, 3.5, 6, 4.5, 7, 5.5, 8];
    const n = 7;
    const mean = costs.reduce((a, b) => a + b) / n;
    const slope = costs.reduce((sum, y, x) => sum + (x - 3) * (y - mean), 0) / 28;
    const s = Math.sqrt(costs.reduce((sum, y, x) => sum + (y - mean - slope * (x - 3)) ** 2, 0) / 5);
    const trend = projectCost(costs, 1);
    expect(trend.projectedCost).toBeCloseTo(mean + 4 * slope, 9);
    // One new value at x = 7, t(0.975; 5) = 2.5706
    expect(trend.high! - trend.projectedCost).toBeCloseTo(2.5706 * s * Math.sqrt(1 + 1 / 7 + 16 / 28), 2);
  });

  it('is never below zero, on any day', () => {
    const costs = Array.from({ length: 28 }, (_, day) => 27.5 - day);
    const trend = projectCost(costs, 365);
    expect(trend.projectedCost).toBeCloseTo(0, 9);
    expect(trend.low).toBe(0);
    const falling = projectCost([9, 8, 7, 6, 5, 4, 3], 365);
    expect(falling.projectedCost).toBeCloseTo(3, 9);
  });

  it('uses the average if there are too few days for a trend', () => {
    const trend = projectCost([1, 2, 6], 10);
    expect(trend).toMatchObject({ averageDailyCost: 3, trendPerDay: 0, projectedCost: 30, low: 0 });
    // s = √7, t(0.975; 2) = 4.3027
    expect(trend.high).toBeCloseTo(30 + 4.302653 * Math.sqrt(7 * (10 + 100 / 3)), 6);
    expect(trend.method).toMatch(/average of the 3 complete days.*Low and high/);
  });

  it('reports that it has too little data', () => {
    expect(projectCost([4], 2)).toMatchObject({ projectedCost: 8, low: null, high: null });
    expect(projectCost([], 30)).toMatchObject({ projectedCost: 0, low: 0, high: 0, averageDailyCost: 0 });
  });
});
