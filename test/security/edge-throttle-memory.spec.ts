import { networkOf } from '../../src/common/http/client-address.js';
import { MemoryThrottlerStorage } from '../../src/common/http/memory-throttler-storage.js';

describe('the memory of the throttle', () => {
  it('is bounded for any number of addresses, and stays fast', async () => {
    const storage = new MemoryThrottlerStorage(10_000);
    const started = performance.now();
    for (let address = 0; address < 100_000; address++) await storage.increment(`a${address}`, 60_000, 5);
    expect(storage.size).toBe(10_000);
    // A walk through all of them for each new one took minutes.
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await storage.increment('a99999', 60_000, 5)).totalHits).toBe(2);
  });

  it('removes windows that have ended, and continues counting the others', async () => {
    const storage = new MemoryThrottlerStorage();
    for (let address = 0; address < 100; address++) await storage.increment(`a${address}`, 20, 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await storage.increment('b', 60_000, 1);
    expect(storage.size).toBe(1);
    expect(await storage.increment('b', 60_000, 1)).toMatchObject({ totalHits: 2, isBlocked: true });
  });

  it('treats all addresses of a client as one', () => {
    expect(networkOf('203.0.113.7')).toBe('203.0.113.7');
    expect(networkOf('::ffff:203.0.113.7')).toBe('203.0.113.7');
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(networkOf('2001:DB8:0001:2::9')).toBe('2001:db8:1:2::/64');
    expect(networkOf('2001:db8::9')).toBe('2001:db8:0:0::/64');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });
});
