import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The state that the embedded stack keeps between starts, in a file that only its owner can read. */
export interface StackSecrets {
  databasePassword: string;
  authPassword: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  /** The port of the running or last PostgreSQL. */
  port?: number;
  /** The cluster's folder, if it cannot be in the data folder. */
  clusterFolder?: string;
}

const FILE = 'stack.json';

export function readSecrets(dataDir: string): StackSecrets | undefined {
  const path = join(dataDir, FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StackSecrets) : undefined;
}

export function createSecrets(): StackSecrets {
  const random = (bytes: number) => randomBytes(bytes).toString('base64url');
  return {
    databasePassword: random(24),
    authPassword: random(24),
    jwtSecret: random(48),
    publishableKey: `sb_publishable_${random(24)}`,
    secretKey: `sb_secret_${random(24)}`,
  };
}

/** Replaces the file atomically, so that a crash leaves the old one. */
export function writeSecrets(dataDir: string, secrets: StackSecrets): void {
  const path = join(dataDir, FILE);
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, path);
}

export function databaseUrl({ databasePassword, port }: StackSecrets): string {
  return `postgresql://postgres:${databasePassword}@127.0.0.1:${port}/postgres`;
}
