import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';
const LOWEST = 10_000;
/** The port where most systems begin to choose ports themselves. */
const EPHEMERAL = 32_768;
const ATTEMPTS = 200;

/**
 * Finds a free port for a server that cannot choose one itself, and keeps it for this process: no other process gets it
 * from here until this one ends. The system gives such ports to no outgoing connection and to no server that listens on
 * port 0, so the port is still free when it is used, and when a server that was stopped uses it again.
 *
 * @param {{ lowest?: number, end?: number }} [range]
 * @returns {Promise<number>}
 */
export async function freePort({ lowest = LOWEST, end = lowestEphemeralPort() } = {}) {
  for (let attempt = 1; ; attempt++) {
    const port = lowest + Math.floor(Math.random() * (end - lowest));
    if ((await reserve(port)) && (await isFree(port))) return port;
    if (attempt === ATTEMPTS) throw new Error(`There is no free port between ${lowest} and ${end}.`);
  }
}

/**
 * A socket for UDP at the same number says that the port is taken. Servers listen on TCP, which it does not disturb, and
 * the system closes it when the process ends, however it ends.
 *
 * @returns {Promise<boolean>}
 */
function reserve(port) {
  return new Promise((resolve) => {
    const sign = createSocket('udp4');
    sign.once('error', () => {
      sign.close();
      resolve(false);
    });
    sign.bind({ port, address: HOST, exclusive: true }, () => {
      sign.unref();
      resolve(true);
    });
  });
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
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
