import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';

/** The content of the double's GitHub. */
export interface McpWorld {
  /** Contents of files by `owner/name/path`. */
  files: Map<string, string>;
  /** Issues by `owner/name#number`. */
  issues: Map<string, { title: string; body: string }>;
  /** The results of write tools, oldest first. */
  writes: Array<{ tool: string; input: Record<string, unknown> }>;
}

export interface McpTool {
  toolset: string;
  definition: Tool;
  run(input: Record<string, unknown>, world: McpWorld): CallToolResult;
}

type Properties = Record<string, object>;

const STRING = { type: 'string' };
const NUMBER = { type: 'number' };
const ADDRESS: Properties = {
  owner: { type: 'string', description: 'Repository owner (username or organization)' },
  repo: { type: 'string', description: 'Repository name' },
};

export const text = (value: unknown): CallToolResult => ({
  content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }],
});

export const failure = (message: string): CallToolResult => ({ ...text(message), isError: true });

const addressOf = (input: Record<string, unknown>) => `${String(input['owner'])}/${String(input['repo'])}`;

function reading(
  toolset: string,
  name: string,
  properties: Properties,
  required: string[],
  run: McpTool['run'],
): McpTool {
  const definition: Tool = {
    name,
    description: `The double's ${name}.`,
    annotations: { title: name.replaceAll('_', ' '), readOnlyHint: true },
    inputSchema: { type: 'object', properties, required },
  };
  return { toolset, definition, run };
}

/** The annotations of GitHub's write tools have `readOnlyHint: false`, or none. */
function writing(
  toolset: string,
  name: string,
  properties: Properties,
  required: string[],
  annotations: Tool['annotations'] = { title: name.replaceAll('_', ' '), readOnlyHint: false },
): McpTool {
  return {
    ...reading(toolset, name, properties, required, (input, world) => {
      world.writes.push({ tool: name, input });
      return text({ done: name, number: world.writes.length });
    }),
    definition: {
      name,
      description: `The double's ${name}.`,
      annotations,
      inputSchema: { type: 'object', properties, required },
    },
  };
}

/** A file is an embedded resource in addition to a line of text, as in GitHub's server. */
function readFile(input: Record<string, unknown>, { files }: McpWorld): CallToolResult {
  const path = typeof input['path'] === 'string' ? input['path'] : '/';
  const key = `${addressOf(input)}/${path}`.toLowerCase();
  const content = [...files].find(([file]) => file.toLowerCase() === key)?.[1];
  if (content === undefined)
    return failure(`failed to get file contents: ${addressOf(input)} has no ${path}`);
  return {
    content: [
      { type: 'text', text: 'successfully downloaded text file' },
      {
        type: 'resource',
        resource: {
          uri: `repo://${addressOf(input)}/contents/${path}`,
          mimeType: 'text/plain',
          text: content,
        },
      },
    ],
  };
}

/** Finds only what the query names, or everything if it names nothing, because the token has access to everything. */
function searchCode(input: Record<string, unknown>, { files }: McpWorld): CallToolResult {
  const query = String(input['query']);
  const repositories = [...query.matchAll(/repo:(\S+)/gi)].map(([, name]) => name?.toLowerCase());
  const words = query.split(/\s+/).filter((word) => word !== '' && !word.includes(':'));
  const items = [...files]
    .filter(([file]) => {
      const repository = file.split('/').slice(0, 2).join('/').toLowerCase();
      return repositories.length === 0 || repositories.includes(repository);
    })
    .filter(([, content]) => words.every((word) => content.includes(word)))
    .map(([file]) => ({ path: file }));
  return text({ total_count: items.length, items });
}

function readIssue(input: Record<string, unknown>, { issues }: McpWorld): CallToolResult {
  const issue = issues.get(`${addressOf(input)}#${String(input['issue_number'])}`);
  return issue ? text(issue) : failure('failed to get issue: 404 Not Found');
}

/** Tools of GitHub's server, with its names, toolsets, arguments and annotations (those that matter here). */
export const MCP_TOOLS: McpTool[] = [
  reading('context', 'get_me', {}, [], () => text({ login: 'octo', id: 1 })),
  reading('context', 'get_teams', { user: STRING }, [], () => text([{ org: 'octo-org', teams: ['secret'] }])),
  reading(
    'repos',
    'get_file_contents',
    { ...ADDRESS, path: STRING, ref: STRING, sha: STRING },
    ['owner', 'repo'],
    readFile,
  ),
  reading('repos', 'list_commits', { ...ADDRESS, sha: STRING, page: NUMBER }, ['owner', 'repo'], (input) =>
    text([{ sha: 'c0ffee', repository: addressOf(input) }]),
  ),
  reading('repos', 'search_code', { query: STRING, page: NUMBER, perPage: NUMBER }, ['query'], searchCode),
  reading('repos', 'search_repositories', { query: STRING }, ['query'], () =>
    text({ items: ['octo/secret'] }),
  ),
  reading(
    'issues',
    'issue_read',
    { ...ADDRESS, method: STRING, issue_number: NUMBER },
    ['owner', 'repo', 'issue_number'],
    readIssue,
  ),
  reading('issues', 'search_issues', { ...ADDRESS, query: STRING }, ['query'], (input) =>
    text({ asked: input }),
  ),
  reading('gists', 'list_gists', { username: STRING }, [], () => text([])),
  writing('repos', 'create_branch', { ...ADDRESS, branch: STRING, from_branch: STRING }, [
    'owner',
    'repo',
    'branch',
  ]),
  writing(
    'repos',
    'create_or_update_file',
    { ...ADDRESS, path: STRING, content: STRING, message: STRING, branch: STRING, sha: STRING },
    ['owner', 'repo', 'path', 'content', 'message', 'branch'],
    undefined,
  ),
  writing(
    'repos',
    'create_repository',
    { name: STRING, organization: STRING, private: { type: 'boolean' } },
    ['name'],
  ),
  writing('repos', 'fork_repository', { ...ADDRESS, organization: STRING }, ['owner', 'repo']),
  writing('issues', 'create_issue', { ...ADDRESS, title: STRING, body: STRING }, ['owner', 'repo', 'title'], {
    title: 'Create Issue',
    readOnlyHint: false,
    destructiveHint: false,
  }),
  writing('issues', 'add_issue_comment', { ...ADDRESS, issue_number: NUMBER, body: STRING }, [
    'owner',
    'repo',
    'issue_number',
    'body',
  ]),
  writing(
    'issues',
    'issue_dependency_write',
    {
      ...ADDRESS,
      method: STRING,
      issue_number: NUMBER,
      related_issue_number: NUMBER,
      related_owner: STRING,
      related_repo: STRING,
    },
    ['owner', 'repo', 'method', 'issue_number', 'related_issue_number'],
  ),
  writing(
    'issues',
    'sub_issue_write',
    { ...ADDRESS, method: STRING, issue_number: NUMBER, sub_issue_id: NUMBER },
    ['owner', 'repo', 'method', 'issue_number', 'sub_issue_id'],
  ),
  writing('gists', 'create_gist', { filename: STRING, content: STRING }, ['filename', 'content']),
];

/** Dozens of tools, as a server lists them by default. */
export const fillerTools = (count: number): McpTool[] =>
  Array.from({ length: count }, (_, index) =>
    reading('repos', `list_things_${String(index).padStart(3, '0')}`, ADDRESS, ['owner', 'repo'], (input) =>
      text([addressOf(input)]),
    ),
  );
