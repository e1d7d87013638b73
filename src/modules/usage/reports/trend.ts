/** With fewer days, no trend is computed. */
const DAYS_OF_A_TREND = 7;
/** For the normal distribution: 95% of values are between this and its negative. */
const Z = 1.959964;

/** USD */
export interface Trend {
  method: string;
  averageDailyCost: number;
  /** The daily increase in cost. 0 if there are too few days. */
  trendPerDay: number;
  projectedCost: number;
  /** With `high`, the bounds of 95 of 100 cases. Null for a single day, because its spread is unknown. */
  low: number | null;
  high: number | null;
}

/**
 * Projects the cost of the next days from the costs of the last ones.
 *
 * @param costs of consecutive complete days, in USD
 */
export function projectCost(costs: readonly number[], days: number): Trend {
  const n = costs.length;
  if (n === 0) {
    const method = 'There is no complete day with usage yet, so there is no projection.';
    return { method, averageDailyCost: 0, trendPerDay: 0, projectedCost: 0, low: 0, high: 0 };
  }
  const average = costs.reduce((sum, cost) => sum + cost, 0) / n;
  const isTrend = n >= DAYS_OF_A_TREND;
  const middle = (n - 1) / 2;
  const spreadOfDays = (n * (n * n - 1)) / 12;
  const slope = isTrend
    ? costs.reduce((sum, cost, day) => sum + (day - middle) * (cost - average), 0) / spreadOfDays
    : 0;
  const line = (day: number) => average + slope * (day - middle);
  let projectedCost = 0;
  for (let day = n; day < n + days; day++) projectedCost += Math.max(0, line(day));

  const freedom = n - (isTrend ? 2 : 1);
  let margin: number | undefined;
  if (freedom > 0) {
    const residuals = costs.reduce((sum, cost, day) => sum + (cost - line(day)) ** 2, 0);
    const distance = days * (n + (days - 1) / 2 - middle);
    const uncertainty = days + days ** 2 / n + (isTrend ? distance ** 2 / spreadOfDays : 0);
    margin = studentsT(freedom) * Math.sqrt((residuals / freedom) * uncertainty);
  }
  return {
    method: methodOf(n, isTrend),
    averageDailyCost: average,
    trendPerDay: slope,
    projectedCost,
    low: margin === undefined ? null : Math.max(0, projectedCost - margin),
    high: margin === undefined ? null : projectedCost + margin,
  };
}

function methodOf(n: number, isTrend: boolean): string {
  const bounds =
    'low and high are the 95% prediction interval of the sum, assuming that days vary independently';
  if (isTrend) {
    return `Least squares: a line through the daily costs of the last ${n} complete days, continued, with no day below zero; ${bounds}.`;
  }
  return n === 1
    ? 'The cost of the only complete day with usage so far, for each day. This is too little for a trend or an interval.'
    : `The average of the ${n} complete days with usage so far, for each day; a trend takes ${DAYS_OF_A_TREND}. ${bounds[0]!.toUpperCase()}${bounds.slice(1)}.`;
}

/** The 97.5% quantile of Student's distribution, by the Cornish-Fisher expansion. */
function studentsT(freedom: number): number {
  // Closed forms for values where the expansion is inaccurate.
  if (freedom === 1) return 12.7062;
  if (freedom === 2) return 4.302653;
  const z = Z;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
