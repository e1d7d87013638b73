import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestApp, TestUser } from './app.js';

/** A server that is blocked for this long. The goal is 50 ms, but test machines are slow. */
export const MAX_BLOCK = 300;

/**
 * The longest turn of the event loop while `work` ran, in milliseconds: the time in which this process, and so the
 * application in it, did nothing else. Only processor time of this thread counts, not the time in which a busy machine
 * ran something else. If it was longer than `tolerated`, `work` runs again, up to three times in total, and the
 * shortest counts: garbage of earlier tests is collected in one run, but a defect appears in each. `work` itself must
 * be fast: it reads with {@link drain}.
 */
export async function longestBlock(work: () => Promise<unknown>, tolerated = MAX_BLOCK): Promise<number> {
  let shortest = Infinity;
  for (let run = 0; run < 3 && shortest >= tolerated; run++)
    shortest = Math.min(shortest, await measure(work));
  return shortest;
}

async function measure(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let since = process.threadCpuUsage();
  let next: NodeJS.Immediate;
  const turn = () => {
    const { user, system } = process.threadCpuUsage(since);
    longest = Math.max(longest, (user + system) / 1000);
    since = process.threadCpuUsage();
    next = setImmediate(turn);
  };
  await sleep(50);
  since = process.threadCpuUsage();
  next = setImmediate(turn);
  try {
    await work();
    await sleep(20);
  } finally {
    clearImmediate(next);
  }
  return longest;
}

export interface DrainedResponse {
  status: number;
  /** The length of the body. */
  bytes: number;
  /** The end of the body. */
  tail: string;
  /** The text at the end of a page. */
  nextCursor: string | null | undefined;
}

/** Reads a response without keeping or parsing it. */
export function drain(app: TestApp, user: TestUser, path: string, method = 'GET'): Promise<DrainedResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(`${app.url}${path}`, { method, headers: user.headers }, (response) => {
      let bytes = 0;
      let tail = '';
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        tail = (tail + chunk.subarray(-600).toString('latin1')).slice(-600);
      });
      response.on('end', () => {
        const [, cursor] = /"nextCursor":(null|"[^"]*")\}$/.exec(tail) ?? [];
        resolve({
          status: response.statusCode ?? 0,
          bytes,
          tail,
          nextCursor: cursor === undefined ? undefined : (JSON.parse(cursor) as string | null),
        });
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
