import type { SelectedModel } from './model-selector.js';

/** The average number of tokens of the description of an agent's own tool. */
const TOKENS_PER_TOOL = 200;
/** The average number of tools in a toolset of GitHub's server. */
const TOOLS_PER_TOOLSET = 12;
/** The tokens that a vendor uses to describe one of its own tools to the model. */
const TOKENS_PER_VENDOR_TOOL = 400;

/** The model reads the descriptions of its tools with every call. */
export function toolTokens({
  agentConfig: { tools = [], mcp, capabilities = {} },
}: Pick<SelectedModel, 'agentConfig'>): number {
  const { thinking: _thinking, fileInput: _fileInput, ...vendorTools } = capabilities;
  const mcpTools = mcp ? mcp.toolsets.length * TOOLS_PER_TOOLSET + (mcp.tools?.length ?? 0) : 0;
  return (
    (tools.length + mcpTools) * TOKENS_PER_TOOL +
    Object.values(vendorTools).filter((allowed) => allowed === true).length * TOKENS_PER_VENDOR_TOOL
  );
}
