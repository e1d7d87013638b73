import { ConnectionShares } from './connection-shares.js';

function blocked(shares: ConnectionShares, userId: string, began: string[], name: string) {
  const held = Promise.withResolvers<void>();
  const done = shares.within(userId, async () => {
    began.push(name);
    await held.promise;
  });
  return { end: held.resolve, fail: held.reject, done };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('ConnectionShares', () => {
  it.each([
    [2, 1],
    [7, 1],
    [8, 2],
    [20, 5],
    [40, 10],
    [500, 10],
  ])('gives one user of a pool of %d at most %d', (poolSize, size) => {
    expect(ConnectionShares.ofPool(poolSize, 1_000).size).toBe(size);
  });

  it('makes a user wait in line, and no other user', async () => {
    const shares = new ConnectionShares(2, 1_000);
    const began: string[] = [];
    const first = blocked(shares, 'a', began, 'a1');
    const second = blocked(shares, 'a', began, 'a2');
    const third = blocked(shares, 'a', began, 'a3');
    const fourth = blocked(shares, 'a', began, 'a4');
    const other = blocked(shares, 'b', began, 'b1');
    await turn();
    expect(began).toEqual(['a1', 'a2', 'b1']);
    second.fail(new Error('a failure gives the place back, too'));
    await expect(second.done).rejects.toThrow('gives the place back');
    await turn();
    expect(began).toEqual(['a1', 'a2', 'b1', 'a3']);
    first.end();
    await turn();
    expect(began.at(-1)).toBe('a4');
    for (const { end } of [third, fourth, other]) end();
    await Promise.all([first.done, third.done, fourth.done, other.done]);
  });

  it('refuses with 503 after a while, and drops requests that gave up', async () => {
    const shares = new ConnectionShares(1, 20);
    const began: string[] = [];
    const first = blocked(shares, 'a', began, 'a1');
    const second = blocked(shares, 'a', began, 'a2');
    await expect(second.done).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    first.end();
    await first.done;
    const third = blocked(shares, 'a', began, 'a3');
    third.end();
    await third.done;
    expect(began).toEqual(['a1', 'a3']);
  });
});
