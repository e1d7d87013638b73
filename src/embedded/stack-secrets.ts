import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedStackError } from './embedded-stack-error.js';

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
const NEEDED = ['databasePassword', 'authPassword', 'jwtSecret', 'publishableKey', 'secretKey'] as const;

/**
 * @returns undefined on the first start
 * @throws EmbeddedStackError if the file is damaged or missing: nobody else knows the passwords of the database
 */
export function readSecrets(dataDir: string): StackSecrets | undefined {
  const path = join(dataDir, FILE);
  const exists = existsSync(path);
  if (!exists && !existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) return undefined;
  const secrets = exists ? secretsIn(readFileSync(path, 'utf8')) : undefined;
  if (secrets) return secrets;
  throw new EmbeddedStackError(
    `${path} is ${exists ? 'damaged' : 'missing'}. It has the passwords of the database in ${dataDir}. Restore it from a backup, or set another DATA_DIR`,
  );
}

function secretsIn(text: string): StackSecrets | undefined {
  try {
    const secrets = JSON.parse(text) as Partial<StackSecrets> | null;
    const isWhole = NEEDED.every((name) => typeof secrets?.[name] === 'string' && secrets[name] !== '');
    return isWhole ? (secrets as StackSecrets) : undefined;
  } catch {
    return undefined;
  }
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

/** Replaces the file atomically. A crash, also one of the machine, leaves the old one or the new one. */
export function writeSecrets(dataDir: string, secrets: StackSecrets): void {
  const path = join(dataDir, FILE);
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
  chmodSync(next, 0o600);
  renameSync(next, path);
}

export function databaseUrl({ databasePassword, port }: StackSecrets): string {
  return `postgresql://postgres:${databasePassword}@127.0.0.1:${port}/postgres`;
}
