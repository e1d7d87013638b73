import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { GITHUB_TOKEN } from './github-double.js';
import { failure, fillerTools, MCP_TOOLS, type McpTool, type McpWorld, text } from './mcp-tools.js';

/** The fault of the next tool call. */
export type McpCallFault =
  /** Held until `release()`, or forever. */
  | { type: 'slow' }
  | { type: 'huge'; characters: number }
  | { type: 'tool-error'; message: string }
  /** An image and a link in addition to a line of text. */
  | { type: 'picture' }
  /** The connection is reset before the answer, or in the middle of it. */
  | { type: 'reset'; midway?: boolean }
  | { type: 'http'; status: number; headers?: Record<string, string> };

/** Behavior that differs from GitHub's server. */
export interface McpQuirks {
  /** Lists and runs write tools although `X-MCP-Readonly` was sent. */
  ignoresReadonly?: boolean;
  /** Lists everything, whatever toolsets were requested. */
  ignoresToolsets?: boolean;
  /** Adds this many tools. */
  fillers?: number;
  /** Page size of `tools/list`. */
  pageSize?: number;
  /** Answers every request with this. */
  status?: { status: number; headers?: Record<string, string>; body?: string };
  /** Rejects the newest protocol version. */
  refusesDiscovery?: boolean;
  /** Sends no response. */
  stalls?: boolean;
}

export interface McpDouble {
  /** Of the server: `http://…/mcp`. */
  url: string;
  world: McpWorld;
  quirks: McpQuirks;
  /** Every HTTP request. */
  requests: Array<{ method: string; rpc: string | undefined; headers: IncomingHttpHeaders }>;
  /** Every call of a tool that was run, oldest first. */
  calls: Array<{ name: string; input: Record<string, unknown> }>;
  /** Sessions that have not been ended. */
  openSessions(): number;
  failCall(fault: McpCallFault): void;
  /** Resolves when a slow call is being held. */
  held(): Promise<void>;
  release(): void;
  reset(): void;
  close(): Promise<void>;
}

/** Built with the official SDK over streamable HTTP, with the tools, headers and peculiarities of GitHub's server. */
export async function startMcpDouble(): Promise<McpDouble> {
  const world: McpWorld = { files: new Map(), issues: new Map(), writes: [] };
  const requests: McpDouble['requests'] = [];
  const calls: McpDouble['calls'] = [];
  const faults: McpCallFault[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  let quirks: McpQuirks = {};
  let held = Promise.withResolvers<void>();
  let released = Promise.withResolvers<void>();

  async function run(tool: McpTool, input: Record<string, unknown>): Promise<CallToolResult> {
    calls.push({ name: tool.definition.name, input });
    const fault = faults.shift();
    switch (fault?.type) {
      case 'slow':
        held.resolve();
        await released.promise;
        break;
      case 'huge':
        return text('0123456789'.repeat(Math.ceil(fault.characters / 10)).slice(0, fault.characters));
      case 'tool-error':
        return failure(fault.message);
      case 'picture':
        return {
          content: [
            { type: 'text', text: 'A picture follows.' },
            { type: 'image', data: 'aGlkZGVuLXBpY3R1cmU=', mimeType: 'image/png' },
            { type: 'resource_link', uri: 'https://raw.example.com/x?token=hidden-token', name: 'x.bin' },
          ],
        };
    }
    return tool.run(input, world);
  }

  async function openSession(headers: IncomingHttpHeaders): Promise<StreamableHTTPServerTransport> {
    const tools = offeredTools(headers, quirks);
    const server = new Server(
      { name: 'github-mcp-server', version: '1.0.0' },
      { capabilities: { tools: {} } },
    );
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const from = Number(params?.cursor ?? 0);
      const size = quirks.pageSize ?? tools.length;
      const next = from + size < tools.length ? { nextCursor: String(from + size) } : {};
      return { tools: tools.slice(from, from + size).map(({ definition }) => definition), ...next };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
      const tool = tools.find(({ definition }) => definition.name === params.name);
      return tool ? run(tool, params.arguments ?? {}) : failure(`unknown tool ${params.name}`);
    });
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const rpc = (body as { method?: string } | undefined)?.method;
    requests.push({ method: request.method ?? '', rpc, headers: request.headers });
    if (quirks.stalls) return;
    const refusal = quirks.status ?? refusalOf(request.headers) ?? unsupported(body, quirks);
    if (refusal)
      return void response.writeHead(refusal.status, refusal.headers).end(refusal.body ?? 'it went wrong');
    const fault = rpc === 'tools/call' ? faults[0] : undefined;
    if (fault?.type === 'reset' || fault?.type === 'http') {
      faults.shift();
      return breakDown(fault, request, response);
    }
    const id = request.headers['mcp-session-id'];
    const transport = id === undefined ? await openSession(request.headers) : sessions.get(String(id));
    if (transport) await transport.handleRequest(request, response, body);
    else response.writeHead(404).end('session not found');
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    world,
    get quirks() {
      return quirks;
    },
    set quirks(value) {
      quirks = value;
    },
    requests,
    calls,
    openSessions: () => sessions.size,
    failCall: (fault) => void faults.push(fault),
    held: () => held.promise,
    release: () => released.resolve(),
    reset() {
      released.resolve();
      held = Promise.withResolvers();
      released = Promise.withResolvers();
      quirks = {};
      requests.length = calls.length = faults.length = world.writes.length = 0;
      world.files.clear();
      world.issues.clear();
    },
    async close() {
      released.resolve();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** How GitHub's server interprets the headers: toolsets and single tools, without write tools and excluded ones. */
function offeredTools(headers: IncomingHttpHeaders, quirks: McpQuirks): McpTool[] {
  const toolsets = list(headers['x-mcp-toolsets']);
  const single = list(headers['x-mcp-tools']);
  const excluded = list(headers['x-mcp-exclude-tools']);
  const readOnly = headers['x-mcp-readonly'] === 'true' && quirks.ignoresReadonly !== true;
  return [...MCP_TOOLS, ...fillerTools(quirks.fillers ?? 0)].filter(({ toolset, definition }) => {
    if (quirks.ignoresToolsets !== true && !toolsets.includes(toolset) && !single.includes(definition.name))
      return false;
    if (quirks.ignoresToolsets !== true && excluded.includes(definition.name)) return false;
    return !readOnly || definition.annotations?.readOnlyHint === true;
  });
}

function refusalOf({ authorization }: IncomingHttpHeaders): McpQuirks['status'] {
  if (authorization === `Bearer ${GITHUB_TOKEN}`) return undefined;
  return {
    status: 401,
    headers: {
      'content-type': 'text/plain',
      'www-authenticate':
        'Bearer error="invalid_request", error_description="No access token was provided in this request", resource_metadata="https://api.githubcopilot.com/.well-known/oauth-protected-resource/mcp/"',
    },
    body: 'unauthorized: AuthenticateToken authentication failed',
  };
}

function unsupported(body: unknown, { refusesDiscovery }: McpQuirks): McpQuirks['status'] {
  const { id, method } = (body ?? {}) as { id?: number; method?: string };
  if (refusesDiscovery !== true || method !== 'server/discover') return undefined;
  const data = { supported: ['2025-11-25'], requested: '2026-07-28' };
  return {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      error: { code: -32022, message: 'Unsupported protocol version', data },
    }),
  };
}

function breakDown(
  fault: Extract<McpCallFault, { type: 'reset' | 'http' }>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (fault.type === 'http') return void response.writeHead(fault.status, fault.headers).end('it went wrong');
  if (!fault.midway) return void request.socket.resetAndDestroy();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: message\ndata: {"jsonrpc":"2.0","id":', () => request.socket.resetAndDestroy());
}

const list = (header: string | string[] | undefined) =>
  header === undefined ? [] : String(header).split(',');

async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const raw = Buffer.concat(pieces).toString();
  return raw === '' ? undefined : (JSON.parse(raw) as unknown);
}
