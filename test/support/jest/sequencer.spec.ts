import { spread } from './sequencer.js';

describe('the order of the test files', () => {
  const seconds = [
    ...Array.from({ length: 20 }, (_, index) => 10 + index),
    ...Array.from({ length: 200 }, (_, index) => (index % 30) / 10),
  ];
  const order = spread(seconds, (time) => time);
  const begins = order.map((_, index) => order.slice(0, index).reduce((sum, time) => sum + time, 0));
  const total = seconds.reduce((sum, time) => sum + time, 0);

  it('has every file once', () => {
    expect(order.toSorted((a, b) => a - b)).toEqual(seconds.toSorted((a, b) => a - b));
  });

  it('begins with a long file, and ends with short ones', () => {
    expect(order[0]).toBe(29);
    expect(order.at(-1)).toBe(0);
    const last = order.findLastIndex((time) => time >= 8);
    expect(begins[last]! / total).toBeLessThan(0.9);
  });

  it('lets short files run between the long ones', () => {
    const long = order.flatMap((time, index) => (time >= 8 ? [index] : []));
    const gaps = long.slice(1).map((index, at) => index - long[at]!);
    expect(Math.min(...gaps)).toBeGreaterThan(1);
  });

  it('is that of any list', () => {
    const time = (of: number) => of;
    expect([spread([], time), spread([0], time), spread([20, 30], time)]).toEqual([[], [0], [30, 20]]);
    expect(spread([0, 0, 20, 0], time)).toHaveLength(4);
  });
});
