import { randomUUID } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { BenchUser } from '../support/seed.js';

/** Epoch milliseconds with fractions, as in the double's stamps. All processes share this clock. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Keeps up to this many connections to a server open. */
export class HttpClient {
  private readonly url: string;
  private readonly agent: Agent;

  constructor(url: string, connections: number) {
    this.url = url;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  }

  /** Reads a whole response. @throws Error if its status is not 200 */
  async get(path: string, user: BenchUser): Promise<string> {
    const response = await answerOf(this.request('GET', path, user));
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString('utf8');
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}: ${body}`);
    return body;
  }

  /**
   * Sends a message to a chat.
   *
   * @param agent is named, unless routing is measured, because routing is a provider call
   * @throws Error if the response is not a stream
   */
  async send(
    user: BenchUser,
    text: string,
    chatId: string = randomUUID(),
    agent: 'chat' | 'auto' = 'chat',
  ): Promise<IncomingMessage> {
    const body = JSON.stringify({
      id: chatId,
      agent,
      message: { id: randomUUID(), role: 'user', parts: [{ type: 'text', text }] },
    });
    const call = this.request('POST', '/api/chat', user, {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
    });
    const answer = answerOf(call);
    call.end(body);
    return asStream(await answer);
  }

  /** Sends any body to `POST /api/chat`. @throws Error if the response is not a stream */
  async post(user: BenchUser, body: object): Promise<IncomingMessage> {
    const call = this.request('POST', '/api/chat', user, { 'content-type': 'application/json' });
    const answer = answerOf(call);
    call.end(JSON.stringify(body));
    return asStream(await answer);
  }

  /** Continues the answer of a chat. @throws Error if there is none */
  async resume(user: BenchUser, chatId: string): Promise<IncomingMessage> {
    return asStream(await answerOf(this.request('GET', `/api/chat/${chatId}/stream`, user)));
  }

  /** A command without a body. @throws Error if its status is not 200 */
  async postJson(path: string, user: BenchUser): Promise<void> {
    const call = this.request('POST', path, user);
    const answer = answerOf(call);
    call.end();
    const response = await answer;
    response.resume();
    if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
  }

  close(): void {
    this.agent.destroy();
  }

  private request(
    method: string,
    path: string,
    user: BenchUser,
    headers: Record<string, string> = {},
  ): ClientRequest {
    const call = request(`${this.url}${path}`, {
      method,
      agent: this.agent,
      // The token is for Switchboard. The references only need the user's id.
      headers: { authorization: `Bearer ${user.token}`, 'x-user-id': user.id, ...headers },
    });
    if (method === 'GET') call.end();
    return call;
  }
}

async function asStream(response: IncomingMessage): Promise<IncomingMessage> {
  if (response.statusCode === 200) return response;
  throw new Error(
    `A stream was requested, and the answer was ${response.statusCode}: ${(await response.toArray()).join('')}`,
  );
}

function answerOf(call: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('response', resolve);
    call.once('error', reject);
  });
}
