/**
 * Preloaded into the server process. Measures how long its event loop is blocked, and reports it on the port
 * FUZZ_PROBE_PORT. A delay with little processor time was caused by the machine, not the server.
 */
import { createServer } from 'node:http';

const INTERVAL = 5;

let last = performance.now();
let lastProcessor = process.threadCpuUsage();
let worst = { delay: 0, processor: 0 };

function look() {
  const now = performance.now();
  const used = process.threadCpuUsage(lastProcessor);
  const delay = now - last - INTERVAL;
  if (delay > worst.delay) worst = { delay, processor: (used.user + used.system) / 1000 };
  last = now;
  lastProcessor = process.threadCpuUsage();
}

setInterval(look, INTERVAL).unref();

createServer((_request, response) => {
  look();
  response.end(JSON.stringify(worst));
  worst = { delay: 0, processor: 0 };
})
  .listen(Number(process.env.FUZZ_PROBE_PORT), '127.0.0.1')
  .unref();
