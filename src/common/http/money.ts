/** A cost as the API shows it: USD as a JSON number of at most six decimals. */
export function toMoney(value: string | number | null | undefined): number {
  return value === null || value === undefined ? 0 : Number(Number(value).toFixed(6));
}
