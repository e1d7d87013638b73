import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import * as samples from '../../../test/fixtures/language-samples.js';
import { estimateTokens, estimateTokensOfSize, TokenEstimate } from './token-estimate.js';
import { processorTime } from '../../../test/support/measured.js';

const real = (text: string) => countTokens(text, { disallowedSpecial: new Set() });

describe('estimateTokens', () => {
  it.each([
    ...Object.entries(samples).flatMap(([language, texts]) =>
      texts.map((text, index) => [`${language} ${index + 1}`, text]),
    ),
    ['base64', randomBytes(3_000).toString('base64')],
    ['hexadecimal digits', randomBytes(2_000).toString('hex')],
    ['a module of this server', readFileSync('src/modules/models/model-selector.ts', 'utf8')],
    ['a document of this project', readFileSync('ARCHITECTURE.md', 'utf8')],
    ['a long list of dependencies', readFileSync('package-lock.json', 'utf8').slice(0, 50_000)],
  ])('is within a fifth of a tokenizer: %s', (_, text) => {
    const ratio = estimateTokens(text) / real(text);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  it('is the same for a text in pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
        const whole = new TokenEstimate().add(pieces.join(''));
        const pieced = pieces.reduce((estimate, piece) => estimate.add(piece), new TokenEstimate());
        expect(pieced.tokens).toBe(whole.tokens);
      }),
    );
  });

  it('uses samples for a very long text, with the same accuracy', () => {
    const chapter = [...samples.ENGLISH, ...samples.CODE, ...samples.JAPANESE].join('\n');
    const text = chapter.repeat(Math.ceil(10_000_000 / chapter.length));
    let estimate = 0;
    expect(processorTime(() => (estimate = estimateTokens(text)))).toBeLessThan(250);
    const ratio = estimate / ((text.length / chapter.length) * estimateTokens(chapter));
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.05);
  });

  it('is zero for an empty text, and accepts half surrogate pairs', () => {
    expect(estimateTokens('')).toBe(0);
    expect(estimateTokens('\ud83d')).toBeGreaterThan(0);
  });
});

describe('estimateTokensOfSize', () => {
  it.each(['ENGLISH', 'CODE', 'CHINESE', 'JAPANESE', 'GERMAN'] as const)(
    'is close to the estimate if only the size is known: %s',
    (language) => {
      const text = samples[language].join('\n');
      const size = { characters: text.length, bytes: Buffer.byteLength(text) };
      const ratio = estimateTokensOfSize(size) / real(text);
      expect(ratio).toBeGreaterThan(0.75);
      expect(ratio).toBeLessThan(1.35);
    },
  );
});
