/** Runs as `npm run test:fuzz`. FUZZ_SEED, FUZZ_REQUESTS and FUZZ_OPERATION select the requests. */
import '../../bench/support/typescript.js';

const { main } = await import('./main.js');
await main();
