/** A cost as returned by the API: USD as a JSON number with at most six decimals. PostgreSQL's NaN becomes 0. */
export function toMoney(value: string | number | null | undefined): number {
  const cost = Number(value ?? 0);
  return Number.isFinite(cost) ? Number(cost.toFixed(6)) : 0;
}
