/**
 * Runs as `npm run test:faults`. `--short` is the form that CI runs, `--only <name>` runs the faults whose names contain
 * this text, and `--rounds <n>` repeats each one. FAULTS_SEED repeats a choice of random numbers.
 */
import '../support/jest/module-hooks.js';

const { main } = await import('./main.js');
await main(process.argv.slice(2));
