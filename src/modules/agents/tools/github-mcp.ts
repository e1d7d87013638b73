import { type CallToolResult, createMCPClient, type MCPClient, MCPClientError } from '@ai-sdk/mcp';
import { AppError, upstreamError, upstreamTimeout } from '../../../common/errors/app-error.js';
import type { McpConfig } from '../../admin-config/config-schemas.js';
import type { ListedTool } from './github-binding.js';
import { GithubToolError } from './github-tool-error.js';
import { mcpFetch } from './mcp-fetch.js';
import { type Redact, redactorOf } from './secret-redaction.js';

/** The timeout in milliseconds for connecting, and again for listing the tools. */
const OPENING_TIMEOUT = 10_000;
const CALL_TIMEOUT = 30_000;
/** Pages of tools. A server whose list never ends is broken. */
const MAX_PAGES = 20;
/** The length limit for the server's message about a call that it refuses. */
const MAX_REASON = 500;
const MAX_LOGGED = 2_000;
/** A server that has the current transport but only an older protocol version answers like this when it is asked for its version. */
const UNSUPPORTED_VERSION = -32022;

/** A connection to GitHub's MCP server (or another that has its tools) for one answer. */
export class GithubMcp {
  private constructor(
    private readonly client: MCPClient,
    private readonly timeout: number,
    /** Removes the token from the server's messages. */
    readonly redact: Redact,
  ) {}

  /**
   * @throws AppError 400 naming the header if the token is refused, 429, 502 or 504; the reason of `signal` if it was
   *   aborted
   */
  static async connect(mcp: McpConfig, token: string, signal: AbortSignal): Promise<GithubMcp> {
    const timeout = mcp.timeoutMs ?? CALL_TIMEOUT;
    const open = (protocolVersionDiscovery: boolean) =>
      within(Math.min(OPENING_TIMEOUT, timeout), signal, (initSignal) =>
        createMCPClient({
          clientName: 'switchboard',
          transport: {
            type: 'http',
            url: mcp.url,
            headers: headersFor(mcp, token),
            redirect: 'error',
            fetch: mcpFetch,
          },
          protocolVersionDiscovery,
          initializationOptions: { signal: initSignal },
          // Requests report their own failures. Other errors from the server are ignored.
          onUncaughtError: () => undefined,
        }),
      );
    const client = await open(true)
      .catch((error: unknown) => {
        if (MCPClientError.isInstance(error) && error.code === UNSUPPORTED_VERSION) return open(false);
        throw error;
      })
      .catch((error: unknown) => {
        throw toFailure(error, signal);
      });
    return new GithubMcp(client, timeout, redactorOf(token));
  }

  /** @throws AppError as {@link connect} does */
  async listTools(signal: AbortSignal): Promise<ListedTool[]> {
    const tools: ListedTool[] = [];
    let cursor: string | undefined;
    try {
      for (let page = 0; page < MAX_PAGES; page++) {
        const params = cursor === undefined ? undefined : { cursor };
        const list = await within(Math.min(OPENING_TIMEOUT, this.timeout), signal, (listSignal) =>
          this.client.listTools({ params, options: { signal: listSignal } }),
        );
        tools.push(...list.tools);
        cursor = list.nextCursor;
        if (cursor === undefined) break;
      }
    } catch (error) {
      throw toFailure(error, signal);
    }
    return tools;
  }

  /**
   * Calls a tool once. It is not repeated, because a failed call may have had an effect.
   *
   * @throws GithubToolError if there was no result
   */
  async call(
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal | undefined,
  ): Promise<CallToolResult> {
    try {
      return await within(this.timeout, signal, (callSignal) =>
        this.client.callTool({ name, arguments: input, options: { signal: callSignal } }),
      );
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new GithubToolError(reasonOf(error, this.redact), { cause: this.withoutToken(error) });
    }
  }

  private withoutToken(error: unknown): unknown {
    return error instanceof Error && !(error instanceof AppError)
      ? new Error(this.redact(`${error.name}: ${error.message}`.slice(0, MAX_LOGGED)))
      : error;
  }

  /** Does not wait for the server's reaction. */
  close(): void {
    void this.client.close().catch(() => undefined);
  }
}

function headersFor(mcp: McpConfig, token: string): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    ...(mcp.toolsets.length > 0 ? { 'X-MCP-Toolsets': mcp.toolsets.join(',') } : {}),
    ...(mcp.tools?.length ? { 'X-MCP-Tools': mcp.tools.join(',') } : {}),
    ...(mcp.excludeTools?.length ? { 'X-MCP-Exclude-Tools': mcp.excludeTools.join(',') } : {}),
    ...(mcp.readOnly ? { 'X-MCP-Readonly': 'true' } : {}),
    ...(mcp.lockdown ? { 'X-MCP-Lockdown': 'true' } : {}),
  };
}

class McpTimeoutError extends Error {
  override name = 'McpTimeoutError';
}

/** The client cannot distinguish a deadline or a stop of the turn from a timeout of its own. */
async function within<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(milliseconds);
  try {
    return await fn(signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw deadline.aborted
      ? new McpTimeoutError(`No data arrived for ${milliseconds} ms.`, { cause: error })
      : error;
  }
}

function toFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || error instanceof AppError) return error;
  if (error instanceof McpTimeoutError)
    return upstreamTimeout("GitHub's MCP server did not respond in time.", error);
  return MCPClientError.isInstance(error) && error.statusCode !== undefined
    ? upstreamError(`GitHub's MCP server failed (status ${error.statusCode}).`, error)
    : upstreamError("GitHub's MCP server cannot be reached.", error);
}

/** The server's message about a call helps the model to make a better call. */
function reasonOf(error: unknown, redact: Redact): string {
  if (error instanceof AppError) return error.detail;
  if (error instanceof McpTimeoutError)
    return 'GitHub did not respond in time. The change may have been made anyway.';
  if (MCPClientError.isInstance(error) && error.code !== undefined)
    return redact(error.message.slice(0, 2 * MAX_REASON))
      .slice(0, MAX_REASON)
      .toWellFormed();
  return 'The connection to GitHub was lost. The change may have been made anyway.';
}
