/** A cost as the API shows it: USD as a JSON number of at most six decimals. What is none (PostgreSQL's NaN) counts as nothing. */
export function toMoney(value: string | number | null | undefined): number {
  const cost = Number(value ?? 0);
  return Number.isFinite(cost) ? Number(cost.toFixed(6)) : 0;
}
