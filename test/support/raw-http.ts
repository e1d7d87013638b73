import { connect, type Socket } from 'node:net';

/** One response as received. */
export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** The parsed body, or undefined when it is not JSON. Untyped on purpose: tests assert its shape. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** A connection for sending what no HTTP client would send. */
export class RawConnection {
  /** Everything received. */
  received = '';
  closed = false;
  readonly socket: Socket;
  private changed: () => void = () => undefined;

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.changed();
    });
    this.socket.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.closed = true;
        this.changed();
      });
    }
  }

  static async open(url: string): Promise<RawConnection> {
    const connection = new RawConnection(url);
    await new Promise((resolve) => connection.socket.once('connect', resolve));
    return connection;
  }

  send(data: string | Uint8Array): this {
    if (this.socket.writable) this.socket.write(data);
    return this;
  }

  /** Waits until the received text fulfills the condition. */
  async until(condition: (connection: this) => boolean, timeout = 10_000): Promise<void> {
    const deadline = Date.now() + timeout;
    while (!condition(this)) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`it did not come about in time; there was: ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The responses so far, without interim ones such as 100. */
  responses(): RawResponse[] {
    return parseAll(this.received).filter(({ status }) => status >= 200);
  }

  /** The first complete response. */
  async response(timeout?: number): Promise<RawResponse> {
    await this.until(({ closed }) => closed || this.responses().length > 0, timeout);
    const [first] = this.responses();
    if (!first)
      throw new Error(`the connection was closed without an answer: ${JSON.stringify(this.received)}`);
    return first;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Sends these bytes on a new connection, and reads one response. */
export async function sendRaw(
  url: string,
  data: string | Uint8Array,
  timeout?: number,
): Promise<RawResponse> {
  const connection = await RawConnection.open(url);
  try {
    return await connection.send(data).response(timeout);
  } finally {
    connection.close();
  }
}

function parseAll(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let rest = text; rest.startsWith('HTTP/1.1 ');) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const [start = '', ...lines] = rest.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const [name = '', ...value] = line.split(':');
        return [name.toLowerCase(), value.join(':').trim()];
      }),
    ) as Record<string, string>;
    const length = Number(headers['content-length'] ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) break;
    responses.push({ status: Number(start.split(' ')[1]), headers, text: body, body: parseJson(body) });
    rest = rest.slice(end + 4 + length);
  }
  return responses;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
