import { DEFAULT_CATALOG } from '../admin-config/defaults/default-catalog.js';
import type { Provider } from '../models/vendors/vendors.js';
import { expectedCostOfPicture, expectedCostOfWriting } from './expected-cost.js';

const pricingOf = (id: string) => DEFAULT_CATALOG.models.find((model) => model.id === id)?.pricing;

describe('expectedCostOfWriting', () => {
  const model = { pricing: { input: 1, output: 10 }, maxOutputTokens: 60_000 };
  const costOf = (input: number, output: number) => ((input + output * 10) / 1e6).toFixed(6);

  it.each([
    ['a new text', { promptCharacters: 300 }, 100, 2_000, 60_000],
    [
      'a short text that is rewritten',
      { promptCharacters: 300, rewrittenCharacters: 30 },
      100,
      2_000,
      60_000,
    ],
    [
      'a long text that is rewritten',
      { promptCharacters: 60_300, rewrittenCharacters: 60_000 },
      20_100,
      20_000,
      60_000,
    ],
    [
      'a model with a limit',
      { promptCharacters: 1, rewrittenCharacters: 60_000, maxOutputTokens: 500 },
      1,
      500,
      500,
    ],
  ])('is that of %s', (_, writing, input, expected, most) => {
    expect(expectedCostOfWriting(writing, model)).toEqual({
      expectedCost: costOf(input, expected),
      reservedCost: costOf(input, most),
    });
  });

  it("reserves the expected amount if the model's maximum is unknown", () => {
    const { expectedCost, reservedCost } = expectedCostOfWriting(
      { promptCharacters: 300 },
      { pricing: model.pricing },
    );
    expect(reservedCost).toBe(expectedCost);
  });

  it('is zero for a model without a price, because its calls cost nothing', () => {
    expect(expectedCostOfWriting({ promptCharacters: 300 }, undefined).reservedCost).toBe('0.000000');
  });
});

describe('expectedCostOfPicture', () => {
  it.each<[provider: Provider, id: string, changes: boolean, expected: string]>([
    // 100 tokens at 0.3, 1,290 at 30.
    ['google', 'gemini-2.5-flash-image', false, '0.038730'],
    // 1,390 tokens at 0.3, 1,290 at 30.
    ['google', 'gemini-2.5-flash-image', true, '0.039117'],
    // 100 tokens at 5, 4,160 at 40 (best quality).
    ['openai', 'gpt-image-1', false, '0.166900'],
    // The same with 4,160 at 10.
    ['openai', 'gpt-image-1', true, '0.208500'],
  ])('is that of a picture of %s: %s, changed: %s', (provider, id, changes, expected) => {
    const picture = { provider, promptCharacters: 300, changes };
    expect(expectedCostOfPicture(picture, pricingOf(id))).toBe(expected);
  });

  it('is that of a typical image if nothing is known', () => {
    const picture = { provider: 'google', promptCharacters: 3, changes: false } as const;
    expect(expectedCostOfPicture(picture, undefined)).toBe('0.040000');
    expect(expectedCostOfPicture(picture, { input: 0, output: 0 })).toBe('0.000000');
  });
});
