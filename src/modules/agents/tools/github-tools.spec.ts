import type { ListedTool } from './github-binding.js';
import { githubTools } from './github-tools.js';

const REPOSITORY = { id: 'an-id', owner: 'octo-org', name: 'hello' };
const MCP = { url: 'http://127.0.0.1/mcp', toolsets: ['repos'], readOnly: true, lockdown: true };
const server = { call: () => Promise.reject(new Error('nothing is called')), redact: (text: string) => text };

function tool(name: string, { description = 'Reads.', properties = {} } = {}): ListedTool {
  return {
    name,
    description,
    inputSchema: { properties: { owner: {}, repo: {}, ...properties }, required: ['owner', 'repo'] },
    annotations: { readOnlyHint: true },
  };
}

describe('the tools that are offered to a model', () => {
  const offered = (listed: ListedTool[]) => githubTools(server, listed, REPOSITORY, { mcp: MCP }).tools;

  it('have descriptions of a reasonable length', () => {
    const tools = offered([
      tool('talkative', { description: 'x'.repeat(500_000) }),
      tool('endless', { properties: { path: { type: 'string', description: 'x'.repeat(500_000) } } }),
      tool('short'),
    ]);
    expect(Object.keys(tools)).toEqual(['talkative', 'short']);
    expect(tools['talkative']?.description).toHaveLength(4_000);
    expect(tools['short']?.description).toBe('Reads.');
  });

  it('are not more than models accept', () => {
    const listed = Array.from({ length: 500 }, (_, index) => tool(`tool_${index}`));
    expect(Object.keys(offered(listed))).toHaveLength(128);
  });
});
