import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

describe('provider double as a process', () => {
  let child: ChildProcess | undefined;

  afterEach(() => child?.kill('SIGKILL'));

  it('prints its URL, answers, and exits when it is told to', async () => {
    child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const response = await fetch(`${url}/openai/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer good-key' },
      body: JSON.stringify({ model: 'm', input: 'Go [[double {"tokens":3}]]' }),
    });
    expect((await response.json()).output[0].content[0].text).toBe('token0 token1 token2 ');
    expect(await (await fetch(`${url}/reported`)).json()).toMatchObject([{ output: 3, ended: 'complete' }]);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });
});
