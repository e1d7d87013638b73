import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { untilOpen } from './server-process.js';

/** nginx is not on npm. Debian has it as `nginx-light`, Homebrew as `nginx`. */
export const HAS_NGINX = spawnSync('nginx', ['-v']).status === 0;

export interface Nginx {
  url: string;
  stop(): Promise<void>;
}

/** Starts nginx with a file of its `conf.d`. */
export async function startNginx(settingsFor: (port: number) => string): Promise<Nginx> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-nginx-'));
  writeFileSync(join(folder, 'default.conf'), settingsFor(port));
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
     http { access_log off; ${folders.join(' ')} include ${folder}/default.conf; }`,
  );
  const child = spawn('nginx', ['-e', 'stderr', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const printed: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
  await untilOpen(port, 'nginx', child).catch(() => {
    throw new Error(`nginx did not start: ${Buffer.concat(printed).toString()}`);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}
