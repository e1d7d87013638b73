import { dynamicTool, jsonSchema, type ToolApprovalConfiguration, type ToolSet } from 'ai';
import { bounded } from '../../../common/database/bounded-json.js';
import { takeApproval } from './approved-calls.js';
import type { ApprovedCall } from '../agent.js';
import type { McpConfig } from '../../admin-config/config-schemas.js';
import type { RepositoryName } from '../../github/repository-name.js';
import { type BoundTool, bindTool, type ListedTool } from './github-binding.js';
import type { GithubMcp } from './github-mcp.js';
import { textOfResult } from './github-result.js';
import type { Redact } from './secret-redaction.js';
import { GithubToolError } from './github-tool-error.js';

/** The maximum length of a tool's result for the model. */
const MAX_RESULT = 20_000;
/** Models do not accept more. */
const MAX_TOOLS = 128;
/** The description of a tool is sent with every call of the model. GitHub's own descriptions have a quarter of these characters. */
const MAX_DESCRIPTION = 4_000;
const MAX_SCHEMA = 16_000;
/** Names that all providers accept. */
const TOOL_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** The tools of one answer, and the calls that need the user's approval. */
export interface GithubTools {
  tools: ToolSet;
  toolApproval: ToolApprovalConfiguration<ToolSet, never>;
}

interface Offered {
  listed: ListedTool;
  bound: BoundTool;
}

/**
 * The server's tools that the configuration allows and that can be limited to the repository. The server may ignore the
 * headers that it was sent, so this does not rely on them.
 *
 * @param approved the calls that the user has approved in this request; other calls may not write
 */
export function githubTools(
  server: Pick<GithubMcp, 'call' | 'redact'>,
  all: ListedTool[],
  repository: RepositoryName & { id: string },
  { mcp, approved }: { mcp: McpConfig; approved?: Map<string, ApprovedCall> },
): GithubTools {
  const offered = new Map<string, Offered>();
  for (const tool of all) {
    // A tool with endless nesting cannot be offered to a model.
    const bound = isAllowed(tool, mcp) && bounded(tool) === tool ? bindTool(tool, repository) : undefined;
    if (bound && isShort(bound) && !quotes(tool, bound, server.redact) && offered.size < MAX_TOOLS)
      offered.set(tool.name, { listed: tool, bound });
  }
  const place = `${repository.owner}/${repository.name}`;
  const limit = mcp.maxResultCharacters ?? MAX_RESULT;
  const toTool = ({ listed, bound }: Offered) => {
    const { name, title, description, annotations } = listed;
    return dynamicTool({
      title: title ?? annotations?.title,
      description: description?.slice(0, MAX_DESCRIPTION).toWellFormed(),
      inputSchema: jsonSchema(bound.inputSchema),
      // This is stored in the message next to each call: the request that was made and approved, and what people may
      // see.
      metadata: { repositoryId: repository.id, repository: place },
      execute: async (input, { abortSignal, toolCallId }) => {
        const bounded = bound.bind(input);
        if (!isReadOnly(listed) && !takeApproval({ toolCallId, toolName: name, input }, approved))
          throw new GithubToolError('The call was not made: it needs the approval of the user.');
        const result = await server.call(name, bounded, abortSignal);
        const text = textOfResult(result, limit, server.redact);
        if (result.isError === true) throw new GithubToolError(text || 'The tool failed.');
        return text;
      },
    });
  };
  return {
    tools: Object.fromEntries([...offered].map(([name, tool]) => [name, toTool(tool)])),
    // Checked again after the approval, because the configuration may have changed.
    toolApproval: ({ toolCall }) => {
      const tool = offered.get(toolCall.toolName);
      if (!tool) return { type: 'denied', reason: 'This tool is no longer allowed.' };
      if (isReadOnly(tool.listed) || !isAcceptable(tool.bound, toolCall.input)) return 'not-applicable';
      const title = tool.listed.title ?? tool.listed.annotations?.title ?? toolCall.toolName;
      return { type: 'user-approval', reason: `"${title}" changes ${place} at GitHub.` };
    },
  };
}

function isAllowed(
  tool: ListedTool,
  { tools = [], toolsets, excludeTools = [], readOnly }: McpConfig,
): boolean {
  if (!TOOL_NAME.test(tool.name) || excludeTools.includes(tool.name)) return false;
  // Only the server knows which tools belong to a toolset. Without toolsets, the tools are named one by one.
  if (toolsets.length === 0 && !tools.includes(tool.name)) return false;
  return !readOnly || isReadOnly(tool);
}

/** A server that includes the user's token in its list of tools would reveal it to the model. */
function quotes(
  { name, title, description, annotations }: ListedTool,
  { inputSchema }: BoundTool,
  redact: Redact,
) {
  const serialized = JSON.stringify([
    name,
    title,
    description?.slice(0, MAX_DESCRIPTION),
    annotations,
    inputSchema,
  ]);
  return redact(serialized) !== serialized;
}

function isShort({ inputSchema }: BoundTool): boolean {
  return JSON.stringify(inputSchema).length <= MAX_SCHEMA;
}

/** A tool that is not marked as read-only may write. */
function isReadOnly({ annotations }: ListedTool): boolean {
  return annotations?.readOnlyHint === true;
}

/** Users are not asked to approve a call that would be refused. */
function isAcceptable(bound: BoundTool, input: unknown): boolean {
  try {
    bound.bind(input);
    return true;
  } catch {
    return false;
  }
}
