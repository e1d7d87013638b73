import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from './free-port.js';

/** Few enough that two processes which do not know of each other would choose the same ones. */
const RANGE = { lowest: 20_000, end: 20_400 };
const EACH = 40;

/** Another process that takes ports and uses none of them yet. It prints them, and lives until it is killed. */
function startOther(): { ports: Promise<number[]>; end: () => Promise<void> } {
  const module = new URL('./free-port.js', import.meta.url).href;
  const script = `const { freePort } = await import(${JSON.stringify(module)});
    const ports = [];
    for (let count = 0; count < ${EACH}; count++) ports.push(await freePort(${JSON.stringify(RANGE)}));
    console.log(JSON.stringify(ports));
    setInterval(() => undefined, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    ports: once(child.stdout, 'data').then(([line]) => JSON.parse(String(line)) as number[]),
    end: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('a port for a server that cannot choose one itself', () => {
  it('is given to no other process before it is used', async () => {
    const others = [startOther(), startOther()];
    try {
      const theirs = (await Promise.all(others.map(({ ports }) => ports))).flat();
      const ours: number[] = [];
      for (let count = 0; count < EACH; count++) ours.push(await freePort(RANGE));
      const all = [...theirs, ...ours];
      expect(all).toHaveLength(3 * EACH);
      expect(new Set(all).size).toBe(all.length);
    } finally {
      await Promise.all(others.map(({ end }) => end()));
    }
  });

  it('can be listened on again and again, and is given to somebody else when its process has ended', async () => {
    const other = startOther();
    let port: number;
    const take = () => freePort({ lowest: port, end: port + 1 });
    try {
      [port = 0] = await other.ports;
      await expect(take()).rejects.toThrow('There is no free port');
    } finally {
      await other.end();
    }
    expect(await take()).toBe(port);
    for (let start = 0; start < 3; start++) {
      const server = createServer();
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
    }
  });
});
