import { ASKED_MODELS, AskedVendor } from './asked-vendor.js';
import { Dice, randomHistory } from './random-history.js';

/** `HISTORY_ROUNDS=20000 HISTORY_SEED=7` runs more rounds, with other histories. */
const ROUNDS = Number(process.env['HISTORY_ROUNDS'] ?? 100);
const SEED = Number(process.env['HISTORY_SEED'] ?? 1);

describe('any content of a chat', () => {
  it.each(ASKED_MODELS)(
    'does not prevent an answer to the next question: $provider/$modelId $api',
    async (asked) => {
      for (let round = 0; round < ROUNDS; round++) {
        const seed = SEED * 1_000_003 + round;
        const stored = randomHistory(new Dice(seed));
        const vendor = new AskedVendor(asked);
        const refused: string[] = [];
        const failure = await vendor
          .ask(
            stored,
            { id: 'question', role: 'user', parts: [{ type: 'text', text: 'And now?' }] },
            { onRefusedFiles: (files) => refused.push(...files.map(({ name }) => name)) },
          )
          .catch((error: unknown) => String(error));
        const [first, ...more] = vendor.exchanges.map(({ refusal }) => refusal);
        // Only one problem cannot be known before sending, and costs a second call: a file that is broken inside.
        const isBroken = JSON.stringify(stored).match(/broken\.(?:png|pdf)/) !== null;
        const expected = first !== undefined && isBroken ? [undefined] : [];
        expect({ seed, failure, first: isBroken ? undefined : first, more }).toEqual({
          seed,
          failure: undefined,
          first: undefined,
          more: expected,
        });
        if (first !== undefined)
          expect({ seed, refused }).toEqual({ seed, refused: expect.arrayContaining([]) });
        expect(vendor.told).toContain('And now?');
      }
    },
  );
});
