import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADVISORY_LOCKS } from '../../src/common/database/advisory-locks.js';
import { createTestDatabase } from '../support/postgres.js';

const NUMBERS = new Set<number>(Object.values(ADVISORY_LOCKS));
const CALL = /pg_(?:try_)?advisory(?:_xact)?_lock(?:_shared)?\s*\(/g;

/** The text between the parenthesis at `start` and the closing one. */
function argumentsAt(text: string, start: number): string {
  let depth = 1;
  let end = start;
  while (depth > 0 && end < text.length) {
    if (text[end] === '(') depth++;
    if (text[end] === ')') depth--;
    end++;
  }
  return text.slice(start, end - 1);
}

function callsIn(text: string): string[] {
  return [...text.matchAll(CALL)].map((call) => argumentsAt(text, call.index + call[0].length));
}

const numbersIn = (text: string) =>
  [...text.matchAll(/(?<![\w$:])\d[\d_]*/g)].map(([number]) => Number(number.replaceAll('_', '')));

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => ({ path, text: readFileSync(join('src', path), 'utf8') }));

/**
 * Two purposes with the same number block and skip each other, as once happened to the sweeper and the configuration.
 */
describe('advisory locks', () => {
  it('have different numbers', () => {
    const numbers = Object.values(ADVISORY_LOCKS);
    expect(numbers).toHaveLength(new Set(numbers).size);
  });

  it('are in one file, whatever takes them', () => {
    const calls = sources.flatMap(({ path, text }) => callsIn(text).map((call) => ({ path, text, call })));
    expect(calls.length).toBeGreaterThan(10);
    for (const { path, text, call } of calls) {
      for (const number of numbersIn(call)) expect([path, NUMBERS.has(number)]).toEqual([path, true]);
      // A name is from the list, or from a constant of the same file with its number.
      for (const [, name] of call.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g)) {
        const constant = new RegExp(`const ${name} = ([\\d_]+);`).exec(text)?.[1];
        const isKnown = name === 'ADVISORY_LOCKS' || NUMBERS.has(numbersIn(constant ?? '')[0] ?? -1);
        expect([path, name, isKnown]).toEqual([path, name, true]);
      }
      // A parameter comes from the list.
      if (/^\$1/.test(call)) expect([path, text.includes('ADVISORY_LOCKS.')]).toEqual([path, true]);
    }
  });

  it('are there for every function of the database', async () => {
    const database = await createTestDatabase();
    try {
      const functions = await database.query(
        `select proname as name, prosrc as body from pg_proc
          where pronamespace = 'switchboard'::regnamespace and prosrc ~ 'advisory\\w*lock'`,
      );
      expect(functions.map(({ name }) => name as string)).toEqual(
        expect.arrayContaining(['admit', 'fold_usage', 'place_document_version']),
      );
      for (const { name, body } of functions) {
        const numbers = callsIn(body as string).flatMap(numbersIn);
        expect([name, numbers.length > 0]).toEqual([name, true]);
        for (const number of numbers)
          expect([name, number, NUMBERS.has(number)]).toEqual([name, number, true]);
      }
    } finally {
      await database.drop();
    }
  });
});
