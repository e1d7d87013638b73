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

  it('reprices the whole of a call with a long prompt', () => {
    const pro = {
      input: 1.25,
      cachedInput: 0.125,
      output: 10,
      tiers: [{ aboveInputTokens: 200_000, input: 2.5, cachedInput: 0.25, output: 15 }],
    };
    const cost = (inputTokens: number, cachedInputTokens = 0) =>
      costOf({ ...NO_TOKENS, inputTokens, cachedInputTokens, outputTokens: 1_000 }, pro).totalCost;
    expect(cost(250_000)).toBe('0.640000');
    expect(cost(200_000)).toBe('0.260000');
    expect(cost(200_001)).toBe('0.515003');
    expect(cost(250_000, 250_000)).toBe('0.077500');
  });

  it('takes the highest tier that was reached, and missing prices of a tier from the base', () => {
    const pricing = {
      input: 1,
      output: 2,
      cacheWrite: 3,
      tiers: [
        { aboveInputTokens: 200, input: 100 },
        { aboveInputTokens: 100, input: 10, output: 20 },
      ],
    };
    const cost = (inputTokens: number) =>
      costOf({ ...NO_TOKENS, inputTokens, cacheWriteTokens: 10, outputTokens: 10 }, pricing).unrounded
        .totalCost;
    expect(cost(100)).toBe('0.00014');
    expect(cost(101)).toBe('0.00114');
    expect(cost(201)).toBe('0.01915');
  });

  it('bills one-hour cache writes, sound and drawn pictures at their own prices', () => {
    const pricing = {
      input: 1,
      cachedInput: 0.1,
      cacheWrite: 1.25,
      cacheWriteHour: 2,
      audioInput: 5,
      cachedAudioInput: 0.5,
      output: 10,
      imageOutput: 30,
    };
    const usage = {
      inputTokens: 1_000,
      cachedInputTokens: 100,
      cacheWriteTokens: 300,
      cacheWriteHourTokens: 200,
      audioInputTokens: 80,
      cachedAudioInputTokens: 30,
      outputTokens: 500,
      reasoningTokens: 0,
      imageOutputTokens: 400,
    };
    // 550 × 1 + 70 × 0.1 + 30 × 0.5 + 100 × 1.25 + 200 × 2 + 50 × 5; 100 × 10 + 400 × 30
    expect(costOf(usage, pricing).unrounded).toMatchObject({ inputCost: '0.001347', outputCost: '0.013' });
    // Without prices of their own, they cost as much as the kind that they are a part of.
    const plain = { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 10 };
    // 550 × 1 + 100 × 0.1 + 300 × 1.25 + 50 × 1; 500 × 10
    expect(costOf(usage, plain).unrounded).toMatchObject({ inputCost: '0.000985', outputCost: '0.005' });
  });

  it('adds a fee for each search to the total only', () => {
    const usage = { ...NO_TOKENS, inputTokens: 1_000, webSearches: 3 };
    expect(costOf(usage, { input: 1, output: 1, fees: { webSearch: 0.014 } })).toMatchObject({
      inputCost: '0.001000',
      outputCost: '0.000000',
      totalCost: '0.043000',
      unrounded: { feeCost: '0.042' },
    });
    expect(costOf(usage, { input: 1, output: 1 }).totalCost).toBe('0.001000');
  });

  it('changes its prices on the day that the vendor has announced', () => {
    const pricing = {
      input: 1,
      output: 1,
      fees: { webSearch: 1 },
      scheduled: [
        { from: '2027-06-01', input: 3, output: 3 },
        { from: '2027-01-01', input: 2, output: 2 },
      ],
    };
    const cost = (at: string) =>
      costOf({ ...NO_TOKENS, inputTokens: 1_000_000, webSearches: 1 }, pricing, new Date(at)).totalCost;
    expect(cost('2026-12-31T23:59:59.999Z')).toBe('2.000000');
    expect(cost('2027-01-01T00:00:00Z')).toBe('2.000000');
    expect(cost('2027-05-31T12:00:00Z')).toBe('2.000000');
    expect(cost('2028-01-01T00:00:00Z')).toBe('3.000000');
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
