import type { OfferedImageModel, OfferedModel } from './vendor.js';

/*
 * The seeded models, with the list prices of 2026-11-26. `npm run catalog:generate` writes this file
 * from the price data of genai-prices; do not edit it.
 */

export const GOOGLE_MODELS: readonly OfferedModel[] = [
  {
    id: 'gemini-4-argon',
    name: 'Gemini 4 Argon',
    contextWindow: 1048576,
    maxOutputTokens: 65536,
    reasoning: true,
    pricing: {
      input: 2,
      cachedInput: 0.1,
      cacheWrite: null,
      output: 10,
      fees: { webSearch: 0.014 },
      scheduled: [
        {
          from: '2026-12-01',
          input: 4,
          cachedInput: 0.2,
          cacheWrite: null,
          output: 20,
          fees: { webSearch: 0.014 },
        },
      ],
    },
  },
  {
    id: 'gemini-3.8-flash',
    name: 'Gemini 3.8 Flash',
    contextWindow: 1048576,
    maxOutputTokens: 65536,
    reasoning: true,
    pricing: {
      input: 0.75,
      cachedInput: 0.075,
      cacheWrite: null,
      output: 3.75,
      fees: { webSearch: 0.014 },
      scheduled: [
        {
          from: '2027-01-01',
          input: 1.5,
          cachedInput: 0.15,
          cacheWrite: null,
          output: 7.5,
          fees: { webSearch: 0.014 },
        },
      ],
    },
  },
  {
    id: 'gemini-3.5-flash-lite',
    name: 'Gemini 3.5 Flash-Lite',
    contextWindow: 1048576,
    maxOutputTokens: 65536,
    reasoning: true,
    pricing: { input: 0.3, cachedInput: 0.03, cacheWrite: null, output: 2.5, fees: { webSearch: 0.014 } },
  },
];

export const GOOGLE_IMAGE_MODEL: OfferedImageModel = {
  id: 'gemini-nano-banana-2.1',
  name: 'Gemini Nano Banana 2.1',
  contextWindow: 65536,
  maxOutputTokens: 32768,
  pricing: {
    input: 1.5,
    cachedInput: null,
    cacheWrite: null,
    output: 7.5,
    imageOutput: 30,
    fees: { webSearch: 0.014 },
  },
};

export const OPENAI_MODELS: readonly OfferedModel[] = [
  {
    id: 'gpt-6-astra',
    name: 'GPT-6 Astra',
    contextWindow: 1050000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 10,
      cachedInput: 1,
      cacheWrite: 12.5,
      output: 50,
      tiers: [{ aboveInputTokens: 272000, input: 20, cachedInput: 2, cacheWrite: 25, output: 75 }],
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'gpt-6.1-sol',
    name: 'GPT-6.1 Sol',
    contextWindow: 1050000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 2,
      cachedInput: 0.1,
      cacheWrite: 2.5,
      output: 10,
      tiers: [{ aboveInputTokens: 272000, input: 4, cachedInput: 0.2, cacheWrite: 5, output: 15 }],
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'gpt-6.1-terra',
    name: 'GPT-6.1 Terra',
    contextWindow: 1050000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 1,
      cachedInput: 0.05,
      cacheWrite: 1.25,
      output: 5,
      tiers: [{ aboveInputTokens: 272000, input: 2, cachedInput: 0.1, cacheWrite: 2.5, output: 7.5 }],
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'gpt-6-luna',
    name: 'GPT-6 Luna',
    contextWindow: 1050000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 0.1,
      cachedInput: 0.01,
      cacheWrite: 0.125,
      output: 0.5,
      tiers: [{ aboveInputTokens: 272000, input: 0.2, cachedInput: 0.02, cacheWrite: 0.25, output: 0.75 }],
      fees: { webSearch: 0.01 },
    },
  },
];

export const OPENAI_IMAGE_MODEL: OfferedImageModel = {
  id: 'gpt-image-2.5-flare',
  name: 'GPT Image 2.5 Flare',
  pricing: { input: 5, cachedInput: 1.25, cacheWrite: null, output: 30, imageInput: 8 },
};

export const ANTHROPIC_MODELS: readonly OfferedModel[] = [
  {
    id: 'claude-fable-5-2',
    name: 'Claude Fable 5.2',
    contextWindow: 1000000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 8,
      cachedInput: 0.2,
      cacheWrite: 10,
      output: 40,
      cacheWriteHour: 16,
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'claude-opus-5-5',
    name: 'Claude Opus 5.5',
    contextWindow: 1000000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 4,
      cachedInput: 0.2,
      cacheWrite: 5,
      output: 20,
      cacheWriteHour: 8,
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'claude-sonnet-5-5',
    name: 'Claude Sonnet 5.5',
    contextWindow: 1000000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 2,
      cachedInput: 0.1,
      cacheWrite: 2.5,
      output: 10,
      cacheWriteHour: 4,
      fees: { webSearch: 0.01 },
    },
  },
  {
    id: 'claude-haiku-5-5',
    name: 'Claude Haiku 5.5',
    contextWindow: 1000000,
    maxOutputTokens: 128000,
    reasoning: true,
    pricing: {
      input: 0.1,
      cachedInput: 0.01,
      cacheWrite: 0.125,
      output: 0.5,
      cacheWriteHour: 0.2,
      tiers: [
        {
          aboveInputTokens: 100000,
          input: 0.5,
          cachedInput: 0.05,
          cacheWrite: 0.625,
          cacheWriteHour: 1,
          output: 2.5,
        },
      ],
      fees: { webSearch: 0.01 },
    },
  },
];
