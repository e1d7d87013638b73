import type { Random } from '../support/usage-ledger.js';
import type { Load } from './load.js';
import type { Stage } from './stage.js';

/** What a fault may need besides two servers and PostgreSQL. */
export type Need = 'redis' | 'pgbouncer' | 'small disk';

/** What a fault can use while turns are running. */
export interface Scene {
  stage: Stage;
  load: Load;
  random: Random;
}

/** Something that goes wrong while streams run and messages arrive. */
export interface Fault {
  name: string;
  needs?: Need[];
  /** How often a whole run repeats it. */
  rounds: number;
  /** Whether the short form has it. */
  isShort?: boolean;
  /** Lets it happen, and ends it. */
  strike(scene: Scene): Promise<void>;
}
