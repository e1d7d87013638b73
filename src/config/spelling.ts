/** Below this length, too many other words are near. */
const SHORTEST = 5;
/** From this length on, two slips are still closer to one name than to any other. */
const LONG = 12;

/** The nearest of the names that this one was probably meant to be: written in another style, or with a slip or two. */
export function findMisspelt(name: string, names: readonly string[]): string | undefined {
  const own = bare(name);
  const near = names
    .map((candidate) => ({ candidate, slips: slipsBetween(own, bare(candidate)) }))
    .filter(({ candidate, slips }) => slips <= (bare(candidate).length < LONG ? 1 : 2));
  return near.toSorted((a, b) => a.slips - b.slips)[0]?.candidate;
}

function slipsBetween(a: string, b: string): number {
  if (a === b) return 0;
  // A name can be of any length, and the distance takes the product of both.
  if (Math.min(a.length, b.length) < SHORTEST || Math.abs(a.length - b.length) > 2) return Infinity;
  return distance(a, b);
}

/** Without case, and without what separates words. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** The number of letters to insert, remove, replace or swap with their neighbor (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((row[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
