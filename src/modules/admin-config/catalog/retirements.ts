import type { Provider } from '../../models/vendors/vendors.js';

/** A model that its vendor has switched off, or has announced to. */
export interface Retirement {
  provider: Provider;
  id: string;
  /** The day of it. */
  retiresAt: string;
  /** What the vendor recommends. */
  replacement?: string;
}

const retired = (provider: Provider, retiresAt: string, ids: Record<string, string>): Retirement[] =>
  Object.entries(ids).map(([id, replacement]) => ({ provider, id, retiresAt, replacement }));

/*
 * By the vendors' own pages, read in November 2026: https://ai.google.dev/gemini-api/docs/deprecations and /changelog,
 * https://developers.openai.com/api/docs/deprecations, https://platform.claude.com/docs/en/about-claude/model-deprecations.
 * `npm run catalog:refresh` marks what a catalog has of these.
 */
export const RETIREMENTS: readonly Retirement[] = [
  ...retired('google', '2026-03-09', { 'gemini-3-pro-preview': 'gemini-4-argon' }),
  ...retired('google', '2026-10-02', { 'gemini-2.5-flash-image': 'gemini-nano-banana-2.1' }),
  ...retired('google', '2026-10-08', {
    'gemini-3.5-flash': 'gemini-3.8-flash',
    'gemini-3.7-flash': 'gemini-3.8-flash',
  }),
  ...retired('google', '2026-12-01', {
    'gemini-2.5-pro': 'gemini-3.8-flash',
    'gemini-2.5-flash': 'gemini-3.5-flash-lite',
  }),
  ...retired('openai', '2026-10-23', {
    'gpt-4.1-nano': 'gpt-6-luna',
    'gpt-image-1': 'gpt-image-2.5-flare',
  }),
  ...retired('openai', '2026-12-01', {
    'gpt-image-1-mini': 'gpt-image-2.5-flare',
    'gpt-image-1.5': 'gpt-image-2.5-flare',
  }),
  ...retired('openai', '2026-12-11', {
    'gpt-5': 'gpt-6.1-sol',
    'gpt-5-mini': 'gpt-6.1-terra',
    'gpt-5-nano': 'gpt-6-luna',
    'gpt-5-pro': 'gpt-6.1-sol',
  }),
  ...retired('openai', '2027-01-14', {
    'gpt-4o': 'gpt-6-luna',
    'gpt-4o-mini': 'gpt-6-luna',
    'gpt-4.1': 'gpt-6-luna',
    'gpt-4.1-mini': 'gpt-6-luna',
  }),
  ...retired('openai', '2027-04-01', { 'gpt-5.1': 'gpt-6.1-sol', 'gpt-5.4-nano': 'gpt-6-luna' }),
  ...retired('anthropic', '2026-06-15', {
    'claude-opus-4-0': 'claude-opus-5-5',
    'claude-sonnet-4-0': 'claude-sonnet-5-5',
  }),
  ...retired('anthropic', '2026-08-05', { 'claude-opus-4-1': 'claude-opus-5-5' }),
  ...retired('anthropic', '2026-11-30', { 'claude-sonnet-4-5': 'claude-sonnet-5-5' }),
];
