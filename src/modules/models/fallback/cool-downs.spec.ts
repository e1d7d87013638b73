import { CoolDowns, MAX_COOL_DOWNS } from './cool-downs.js';

const SHORTEST = 1_000;
const LONGEST = 5_000;

const target = (id = 'server google/gemini') => ({
  id,
  provider: 'google',
  model: 'gemini',
  ownKey: false,
});

describe('cool-downs', () => {
  let coolDowns: CoolDowns;

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    coolDowns = new CoolDowns({
      upstream: { firstByteTimeout: 1, idleTimeout: 1, coolDown: SHORTEST, longestCoolDown: LONGEST },
    });
  });

  afterEach(() => jest.useRealTimers());

  /** Milliseconds until the model may be called. */
  const left = () => Math.max(0, coolDowns.endOf(target()) - performance.now());
  const fail = (retryAfter?: number) => coolDowns.failed(target(), retryAfter);
  /** A call after the cool-down, which fails. */
  const failAfterwards = () => {
    jest.advanceTimersByTime(left());
    const entry = coolDowns.enter(target());
    entry!.released();
    fail();
  };

  it('begin with a failure, and double with each failed call after it, up to a limit', () => {
    expect([left(), coolDowns.enter(target())]).toEqual([0, expect.anything()]);
    fail();
    expect([left(), coolDowns.enter(target())]).toEqual([SHORTEST, undefined]);
    const lengths = [2_000, 4_000, 5_000, 5_000].map((length) => {
      failAfterwards();
      return [left(), length];
    });
    for (const [actual, expected] of lengths) expect(actual).toBe(expected);
  });

  it('do not double with calls that fail at the same time', () => {
    for (let call = 0; call < 10; call++) fail();
    expect(left()).toBe(SHORTEST);
    failAfterwards();
    expect(left()).toBe(2_000);
  });

  it('last as long as the vendor asks, within the limit', () => {
    fail(3);
    expect(left()).toBe(3_000);
    // A shorter wait that another call was asked for does not end it earlier.
    fail(1);
    expect(left()).toBe(3_000);
    fail(86_400);
    expect(left()).toBe(LONGEST);
  });

  it.each([0, undefined])('have their own length if the vendor asks for %s', (retryAfter) => {
    fail(retryAfter);
    expect(left()).toBe(SHORTEST);
  });

  it('let one call at a time find out whether they are over', () => {
    fail();
    jest.advanceTimersByTime(SHORTEST);
    const probe = coolDowns.enter(target());
    expect([probe, coolDowns.enter(target())]).toEqual([expect.anything(), undefined]);
    expect(coolDowns.endOf(target())).toBeGreaterThan(0);
    // It was stopped, so another call may find out.
    probe!.released();
    const second = coolDowns.enter(target());
    second!.answered();
    expect([coolDowns.enter(target()), coolDowns.enter(target())]).toEqual([
      expect.anything(),
      expect.anything(),
    ]);
    fail();
    expect(left()).toBe(SHORTEST);
  });

  it('do not end with the answer of a call that began before them', () => {
    const early = coolDowns.enter(target())!;
    fail();
    early.answered();
    expect(left()).toBe(SHORTEST);
  });

  it('start anew after a long time', () => {
    fail();
    failAfterwards();
    jest.advanceTimersByTime(2_000 + LONGEST);
    fail();
    expect(left()).toBe(SHORTEST);
  });

  it('remember a limited number of keys, the latest ones', () => {
    for (let key = 0; key <= MAX_COOL_DOWNS; key++) coolDowns.failed(target(`${key} model`), undefined);
    expect(coolDowns.enter(target('0 model'))).toBeDefined();
    expect(coolDowns.enter(target('1 model'))).toBeUndefined();
    expect(coolDowns.enter(target(`${MAX_COOL_DOWNS} model`))).toBeUndefined();
  });
});
