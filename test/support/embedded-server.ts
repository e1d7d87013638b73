import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.js';
import { createPreparedStack } from './prepared-stack.js';
import { type ServerProcess, startServerProcess } from './server-process.js';

export const PASSWORD = 'correct-horse-battery';

interface StackFile {
  databasePassword: string;
  authPassword: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  port: number;
  clusterFolder: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies are whatever the route answers
  body: any;
  text: string;
}

export interface Person {
  id: string;
  email: string;
  accessToken: string;
  refreshToken: string;
}

/** A server with the embedded stack, with its own data folder. */
export class EmbeddedServer {
  readonly server: ServerProcess;
  readonly dataDir: string;
  private readonly folder: string;

  private constructor(server: ServerProcess, dataDir: string, folder: string) {
    this.server = server;
    this.dataDir = dataDir;
    this.folder = folder;
  }

  /** @param folder in which everything is created as on a first start; by default the stack is a prepared one */
  static async start(environment: Record<string, string> = {}, folder?: string): Promise<EmbeddedServer> {
    if (folder === undefined) return EmbeddedServer.startPrepared(environment);
    const dataDir = environment['DATA_DIR'] ?? join(folder, 'data');
    const server = await startServerProcess({
      PORT: String(await freePort()),
      THROTTLE_LIMIT: '0',
      EMBEDDED_AUTH_RATE_LIMIT: '0',
      DATA_DIR: dataDir,
      ...environment,
    });
    return new EmbeddedServer(server, dataDir, folder);
  }

  private static async startPrepared(environment: Record<string, string>): Promise<EmbeddedServer> {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-stack-'));
    // PostgreSQL's account must reach its cluster.
    chmodSync(folder, 0o755);
    await createPreparedStack(join(folder, 'data'));
    return EmbeddedServer.start(environment, folder);
  }

  /** The secrets of the stack. */
  get secrets(): StackFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'stack.json'), 'utf8')) as StackFile;
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(): Promise<void> {
    await this.server.stop('SIGINT');
    // The cluster is elsewhere if PostgreSQL's account cannot reach the folder.
    const { clusterFolder } = this.secrets;
    for (const path of [this.folder, clusterFolder]) rmSync(path, { recursive: true, force: true });
  }

  async request(
    method: string,
    path: string,
    options: { body?: unknown; token?: string; key?: string | null; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const { body, token, key = this.secrets.publishableKey, headers } = options;
    const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData;
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === null ? {} : { apikey: key }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || isRaw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text), text };
  }

  auth(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('POST', `/auth/v1/${path}`, { body, headers });
  }

  async signUp(email: string, password = PASSWORD): Promise<Person> {
    const { status, body, text } = await this.auth('signup', { email, password });
    if (status !== 200) throw new Error(`sign-up failed: ${text}`);
    return {
      id: body.user.id,
      email,
      accessToken: body.access_token,
      refreshToken: body.refresh_token,
    };
  }

  signIn(email: string, password = PASSWORD, headers: Record<string, string> = {}): Promise<Answer> {
    return this.auth('token?grant_type=password', { email, password }, headers);
  }

  refresh(refreshToken: string): Promise<Answer> {
    return this.auth('token?grant_type=refresh_token', { refresh_token: refreshToken });
  }

  /** Runs a statement as the database's superuser. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const { databasePassword, port } = this.secrets;
    const client = new pg.Client({
      connectionString: `postgresql://postgres:${databasePassword}@127.0.0.1:${port}/postgres`,
    });
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Lets users store files of any size and type, for tests of the storage itself. */
  async openBucket(): Promise<void> {
    await this.query(`update storage.buckets set file_size_limit = null, allowed_mime_types = null`);
  }

  /** Opens a plain connection and sends text unchanged. */
  open(text: string): Socket {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(text);
    return socket;
  }

  /** Sends a request unchanged, and reads the response until the connection ends. */
  async raw(text: string, patience = 10_000): Promise<string> {
    const socket = this.open(text);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), patience);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return Buffer.concat(chunks).toString('utf8');
  }

  /** The peak memory of the process, in bytes. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.server.process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
