import { z } from 'zod';

/** Larger than any sensible count; small enough for an `integer` of the database. */
const MAX_COUNT = 1_000_000_000;
const MAX_USD = 1_000_000;

export const count = z.int().min(0).max(MAX_COUNT);
export const positive = z.int().min(1).max(MAX_COUNT);
export const usd = z.number().min(0).max(MAX_USD);

/** Refuses an array in which two items have the same values in these properties. Its type cannot express that. */
export function refuseDuplicates<T extends object>(
  items: T[],
  by: Array<keyof T & string>,
  context: z.RefinementCtx,
) {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const identity = JSON.stringify(by.map((property) => item[property]));
    if (seen.has(identity)) {
      context.addIssue({ code: 'custom', path: [index, by.at(-1)!], message: 'is listed twice' });
    }
    seen.add(identity);
  });
}
