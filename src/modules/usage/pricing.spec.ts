import fc from 'fast-check';
import { addMoney, costOf, NO_TOKENS } from './pricing.js';

const SONNET = { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 };

describe('costOf', () => {
  it('bills cached input and cache writes once, at their own price', () => {
    const usage = {
      inputTokens: 10_000,
      cachedInputTokens: 6_000,
      cacheWriteTokens: 1_000,
      outputTokens: 500,
      reasoningTokens: 200,
    };
    // 3,000 × 3 + 6,000 × 0.3 + 1,000 × 3.75 = 14,550 millionths; 500 × 15 = 7,500 millionths
    expect(costOf(usage, SONNET)).toMatchObject({
      inputCost: '0.014550',
      outputCost: '0.007500',
      totalCost: '0.022050',
    });
  });

  it('bills images once, at their own price if the vendor has one', () => {
    const usage = { ...NO_TOKENS, inputTokens: 300, imageInputTokens: 258 };
    // 42 × 5 + 258 × 10 = 2,790 millionths
    expect(costOf(usage, { input: 5, imageInput: 10, output: 40 }).inputCost).toBe('0.002790');
    expect(costOf(usage, { input: 5, output: 40 }).inputCost).toBe('0.001500');
  });

  it('does not bill reasoning twice', () => {
    const usage = { ...NO_TOKENS, outputTokens: 100 };
    expect(costOf({ ...usage, reasoningTokens: 100 }, SONNET)).toEqual(costOf(usage, SONNET));
  });

  it('rounds each figure once, half up, and keeps the exact value', () => {
    const cost = costOf({ ...NO_TOKENS, inputTokens: 5, outputTokens: 5 }, { input: 0.1, output: 0.1 });
    expect(cost).toMatchObject({ inputCost: '0.000001', outputCost: '0.000001', totalCost: '0.000001' });
    expect(cost.unrounded).toEqual({
      inputCost: '0.0000005',
      outputCost: '0.0000005',
      totalCost: '0.000001',
    });
  });

  it('uses the input price if the vendor has no other, and zero if there is no price', () => {
    const usage = { ...NO_TOKENS, inputTokens: 1_000_000, cachedInputTokens: 500_000 };
    expect(costOf(usage, { input: 2, cachedInput: null, output: 1 }).totalCost).toBe('2.000000');
    expect(costOf(usage, undefined).totalCost).toBe('0.000000');
  });

  it('is exact for any counts', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000_000), fc.nat(1_000_000_000), (inputTokens, outputTokens) => {
        const { unrounded } = costOf(
          { ...NO_TOKENS, inputTokens, outputTokens },
          { input: 0.3, output: 2.5 },
        );
        expect(Math.round(Number(unrounded.totalCost) * 1e7)).toBe(inputTokens * 3 + outputTokens * 25);
      }),
    );
  });
});

describe('addMoney', () => {
  it('adds without binary fractions', () => {
    expect(addMoney('0.1', '0.2')).toBe('0.3');
  });
});
