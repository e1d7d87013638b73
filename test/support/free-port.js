import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST = 10_000;
/** The port where most systems begin to choose ports themselves. */
const EPHEMERAL = 32_768;
const ATTEMPTS = 200;

/**
 * Finds a free port for a server that cannot choose one itself. The system gives such ports to no outgoing connection
 * and to no server that listens on port 0, so the port is still free when it is used.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  const end = lowestEphemeralPort();
  for (let attempt = 1; ; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (end - LOWEST));
    if (await isFree(port)) return port;
    if (attempt === ATTEMPTS) throw new Error(`There is no free port between ${LOWEST} and ${end}.`);
  }
}

function lowestEphemeralPort() {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const lowest = Number(range.trim().split(/\s+/)[0]);
    // A system that gives out nearly all ports leaves nothing to choose from.
    return lowest >= LOWEST + 1_000 ? Math.min(lowest, EPHEMERAL) : EPHEMERAL;
  } catch {
    return EPHEMERAL;
  }
}

/** @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
