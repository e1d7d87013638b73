import { spawn } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type Operation, readOpenApiDocument } from '../support/openapi-document.js';
import { freePort } from '../support/free-port.js';
import { runCampaign } from './campaign.js';
import { describeFailures, tableOf } from './report.js';
import { requestsFor } from './request.js';
import type { LoopDelay, Target } from './target.js';

/** A server other than ours, to test that the campaign finds its faults. */
async function startFake(
  answer: (response: ServerResponse, path: string) => void,
  fake: Partial<Target> = {},
): Promise<{ target: Target; server: Server }> {
  const server = createServer(({ url = '' }, response) => {
    if (url === '/health/ready') response.end('{"status":"ok"}');
    else answer(response, url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target: Target = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    newScene: () => Promise.resolve({ tokens: { user: 'user', admin: 'admin' }, values: {} }),
    restoreConfig: () => Promise.resolve(),
    loopDelay: () => Promise.resolve({ delay: 1, processor: 1 }),
    output: () => '',
    isAlive: () => true,
    close: () => new Promise((resolve) => server.close(() => resolve())),
    ...fake,
  };
  return { target, server };
}

const me = {
  id: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
  email: null,
  role: 'user',
  isActive: true,
  settings: {},
};
const sendMe = (response: ServerResponse) =>
  response
    .writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'one' })
    .end(JSON.stringify(me));
const options = { seed: 1, requests: 30, operation: 'Me_read' };

async function faultsOf(
  answer: (response: ServerResponse) => void,
  fake?: Partial<Target>,
): Promise<string[]> {
  const { target, server } = await startFake(answer, fake);
  const results = await runCampaign(target, options);
  server.closeAllConnections();
  await target.close();
  expect(tableOf(results)).toContain('Me_read');
  return describeFailures(results);
}

describe('a campaign', () => {
  it('finds nothing in correct responses', async () => {
    expect(await faultsOf(sendMe)).toEqual([]);
  });

  it('finds server errors, with a command that repeats them', async () => {
    const found = await faultsOf((response) => response.writeHead(500).end('TypeError: x'));
    expect(found.join('\n')).toContain('Me_read: server error 500');
    expect(found.join('\n')).toContain('the answer shows the inside: TypeError');
    expect(found[0]).toContain('curl -i --path-as-is -X GET "$URL"\'/api/me');
  });

  it('finds missing responses', async () => {
    const found = await faultsOf((response) => response.destroy());
    expect(found.join('\n')).toContain('Me_read: there is no answer');
  });

  it('finds a server that has ended', async () => {
    const found = await faultsOf(sendMe, { isAlive: () => false });
    expect(found.join('\n')).toContain('Me_read: the server has ended');
  });

  it('finds repeated blocking of the event loop, and ignores load of the machine', async () => {
    const delays = (delay: LoopDelay) => ({ loopDelay: () => Promise.resolve(delay) });
    expect(await faultsOf(sendMe, delays({ delay: 300, processor: 290 }))).toEqual([
      expect.stringContaining('holds the event loop for 300 ms'),
    ]);
    expect(await faultsOf(sendMe, delays({ delay: 900, processor: 3 }))).toEqual([]);
    let times = 0;
    const once = () => Promise.resolve({ delay: times++ === 1 ? 300 : 1, processor: 290 });
    expect(await faultsOf(sendMe, { loopDelay: once })).toEqual([]);
  });
});

describe('generated requests', () => {
  const document = readOpenApiDocument();

  it.each(document.operations)(
    'of $id are the same for the same seed, and different from each other',
    (operation: Operation) => {
      const sample = (seed: number) => fc.sample(requestsFor(document, operation), { seed, numRuns: 40 });
      expect(sample(7)).toEqual(sample(7));
      const different = new Set(sample(7).map((request) => JSON.stringify(request)));
      expect(different.size).toBeGreaterThan(5);
    },
  );
});

describe('the probe of the event loop', () => {
  it('measures how long the process computed without a pause', async () => {
    const port = await freePort();
    const probe = new URL('./event-loop-probe.js', import.meta.url).href;
    // A busy machine gives the process less than its share, so it computes for 400 ms of processor time.
    const script = `const computed = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
      setTimeout(() => { const end = computed() + 400; while (computed() < end); process.stdout.write('done'); }, 300);
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, [`--import=${probe}`, '-e', script], {
      env: { ...process.env, NODE_OPTIONS: '', FUZZ_PROBE_PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await sleep(20);
      const read = async () => (await (await fetch(`http://127.0.0.1:${port}`)).json()) as LoopDelay;
      const { delay, processor } = await read();
      expect(delay).toBeGreaterThan(350);
      expect(processor).toBeGreaterThan(100);
      // Each measurement starts again.
      expect((await read()).delay).toBeLessThan(350);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
