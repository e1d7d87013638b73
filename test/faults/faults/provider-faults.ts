import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault as ProviderFault } from '../../doubles/script.js';
import type { Fault } from '../fault.js';

const CHUNKS = [0, 1, 5, 12];
const STRUCK = 4_000;

/** Answers that begin in these seconds meet one of these faults. */
function providerThat(name: string, faults: ProviderFault[], isShort = false): Fault {
  return {
    name: `provider ${name}`,
    rounds: 2,
    isShort,
    strike: async ({ load }) => {
      load.providerFaults = faults;
      await sleep(STRUCK);
      load.providerFaults = [];
    },
  };
}

const at = (make: (chunks: number) => ProviderFault) => CHUNKS.map(make);

export const PROVIDER_FAULTS: Fault[] = [
  providerThat('stalls', [
    { type: 'stall-before-first-byte' },
    ...at((chunks) => ({ type: 'stall-after', chunks })),
  ]),
  providerThat('resets', [
    { type: 'reset-before-first-byte' },
    ...at((chunks) => ({ type: 'reset-after', chunks })),
  ]),
  providerThat('half-closes', [
    ...at((chunks) => ({ type: 'half-close', chunks })),
    ...at((chunks) => ({ type: 'half-close', chunks, abrupt: true })),
  ]),
  providerThat('sends garbage', [
    ...at((chunks) => ({ type: 'malformed', chunks })),
    ...at((chunks) => ({ type: 'error-frame', chunks })),
    { type: 'empty' },
  ]),
  providerThat('floods', [{ type: 'flood', characters: 300_000 }]),
  providerThat(
    'does everything wrong',
    [
      { type: 'reset-before-first-byte' },
      { type: 'status', status: 429 },
      { type: 'status', status: 503 },
      ...at((chunks) => ({ type: 'reset-after', chunks })),
      ...at((chunks) => ({ type: 'half-close', chunks })),
      ...at((chunks) => ({ type: 'malformed', chunks })),
    ],
    true,
  ),
];
