import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT = 60_000;

export interface ChildProgram {
  /** Everything printed so far, on both streams. */
  output: () => string;
  stop(): Promise<void>;
}

/** Starts a built program with exactly this environment, and waits until the address responds. */
export async function startProgram(
  binary: string | undefined,
  parameters: string[],
  environment: Record<string, string>,
  address: string,
): Promise<ChildProgram> {
  if (!binary) throw new Error('The program was not built. Use "npm run test:real".');
  const child = spawn(binary, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => printed.push(chunk.toString('utf8')));
  }
  const ended = once(child, 'close');
  const output = () => printed.join('');
  for (const deadline = Date.now() + START_TIMEOUT; ;) {
    const answered = await fetch(address).then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${binary} did not start:\n${output()}`);
    }
    await sleep(50);
  }
  return {
    output,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
