/** `npm run bench:legacy`, or `node bench/legacy/run.ts --messages 1000000` on a build that is there already. */
import '../support/typescript.js';

const { main } = await import('./benchmark.js');
await main(process.argv.slice(2));
