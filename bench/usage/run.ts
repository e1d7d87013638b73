/** Runs as `npm run bench:usage`. `node bench/usage/run.ts --help` uses an existing build. */
import '../support/typescript.js';

const { main } = await import('./benchmark.js');
await main(process.argv.slice(2));
