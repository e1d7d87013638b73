import type { Provider } from '../models/vendors/vendors.js';
import { expectedCostOfPicture, expectedCostOfWriting } from './expected-cost.js';

describe('expectedCostOfWriting', () => {
  const model = { pricing: { input: 1, output: 10 }, maxOutputTokens: 60_000 };
  const costOf = (input: number, output: number) => ((input + output * 10) / 1e6).toFixed(6);

  it.each([
    ['a new text', { promptTokens: 100 }, 100, 2_000, 60_000],
    ['a short text that is rewritten', { promptTokens: 100, rewrittenTokens: 10 }, 100, 2_000, 60_000],
    [
      'a long text that is rewritten',
      { promptTokens: 20_100, rewrittenTokens: 20_000 },
      20_100,
      20_000,
      60_000,
    ],
    ['a model with a limit', { promptTokens: 1, rewrittenTokens: 20_000, maxOutputTokens: 500 }, 1, 500, 500],
  ])('is that of %s', (_, writing, input, expected, most) => {
    expect(expectedCostOfWriting(writing, model)).toEqual({
      expectedCost: costOf(input, expected),
      reservedCost: costOf(input, most),
      promptCost: costOf(input, 0),
    });
  });

  it("reserves the expected amount if the model's maximum is unknown", () => {
    const { expectedCost, reservedCost } = expectedCostOfWriting(
      { promptTokens: 100 },
      { pricing: model.pricing },
    );
    expect(reservedCost).toBe(expectedCost);
  });

  it('is zero for a model without a price, because its calls cost nothing', () => {
    expect(expectedCostOfWriting({ promptTokens: 100 }, undefined).reservedCost).toBe('0.000000');
  });

  it('uses the price of long prompts for a long prompt', () => {
    const pricing = { input: 1, output: 10, tiers: [{ aboveInputTokens: 1_000, input: 2, output: 20 }] };
    const cost = (promptTokens: number) =>
      expectedCostOfWriting({ promptTokens, maxOutputTokens: 100 }, { pricing }).reservedCost;
    expect(cost(1_000)).toBe('0.002000');
    expect(cost(1_001)).toBe('0.004002');
  });

  it('expects one paid search and reserves the maximum number', () => {
    const pricing = { input: 1, output: 10, fees: { webSearch: 0.01 } };
    expect(
      expectedCostOfWriting({ promptTokens: 100, maxOutputTokens: 10, webSearches: 5 }, { pricing }),
    ).toEqual({ expectedCost: '0.010200', reservedCost: '0.050200', promptCost: '0.000100' });
  });
});

describe('expectedCostOfPicture', () => {
  const gemini = { input: 0.3, output: 2.5, imageOutput: 30 };
  const gpt = { input: 5, imageInput: 10, output: 40 };

  it.each<[provider: Provider, pricing: typeof gemini | typeof gpt, changes: boolean, expected: string]>([
    // 100 tokens at 0.3, 1,290 at 30.
    ['google', gemini, false, '0.038730'],
    // 1,390 tokens at 0.3, 1,290 at 30.
    ['google', gemini, true, '0.039117'],
    // 100 tokens at 5, 4,160 at 40 (best quality).
    ['openai', gpt, false, '0.166900'],
    // The same with 4,160 at 10.
    ['openai', gpt, true, '0.208500'],
  ])('uses a picture of %s at %j, changed: %s', (provider, pricing, changes, expected) => {
    expect(expectedCostOfPicture({ provider, promptTokens: 100, changes }, pricing)).toBe(expected);
  });

  it('is that of a typical image if nothing is known', () => {
    const picture = { provider: 'google', promptTokens: 1, changes: false } as const;
    expect(expectedCostOfPicture(picture, undefined)).toBe('0.040000');
    expect(expectedCostOfPicture(picture, { input: 0, output: 0 })).toBe('0.000000');
  });
});
