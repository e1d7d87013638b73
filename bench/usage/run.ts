/** `npm run bench:usage`, or `node bench/usage/run.ts --help` on a build that is there already. */
import '../support/typescript.js';

const { main } = await import('./benchmark.js');
await main(process.argv.slice(2));
