import { bindTool, type ListedTool } from './github-binding.js';

const REPOSITORY = { owner: 'octo-org', name: 'hello' };
const STRING = { type: 'string' };

function tool(name: string, argumentNames: string[], required: string[] = []): ListedTool {
  return {
    name,
    inputSchema: { properties: Object.fromEntries(argumentNames.map((key) => [key, STRING])), required },
  };
}

const bound = (listed: ListedTool) => {
  const result = bindTool(listed, REPOSITORY);
  if (!result) throw new Error('it cannot be bound');
  return result;
};

describe('binding a tool to one repository', () => {
  const readFile = tool('get_file_contents', ['owner', 'repo', 'path', 'ref'], ['owner', 'repo']);

  it('leaves the model no other choice', () => {
    expect(bound(readFile).inputSchema).toEqual({
      type: 'object',
      properties: {
        owner: { type: 'string', enum: ['octo-org'] },
        repo: { type: 'string', enum: ['hello'] },
        path: STRING,
        ref: STRING,
      },
      required: ['owner', 'repo'],
      additionalProperties: false,
    });
  });

  it.each([
    { owner: 'octo-org', repo: 'hello', path: 'src' },
    { owner: 'OCTO-org', repo: 'Hello', path: 'src' },
    { path: 'src' },
    { owner: null, path: 'src' },
  ])('sends the repository’s own name for %j', (input) => {
    expect(bound(readFile).bind(input)).toEqual({ owner: 'octo-org', repo: 'hello', path: 'src' });
  });

  it.each([
    { owner: 'octo-org', repo: 'secret' },
    { owner: 'somebody', repo: 'hello' },
    { owner: ['octo-org'], repo: 'hello' },
    { owner: 'octo-org', repo: 'hello/contents' },
    { owner: 'octo-org', repo: '' },
  ])('refuses %j', (input) => {
    expect(() => bound(readFile).bind(input)).toThrow('only the repository octo-org/hello');
  });

  it.each(['../secret/contents/x', 'a/../../../x', '..', 'a\\..\\b', '%2e%2e/x', '..%2f..%2fsecret'])(
    'refuses a path outside of the repository: %s',
    (path) => {
      expect(() => bound(readFile).bind({ path })).toThrow('must not point outside');
      expect(() => bound(readFile).bind({ ref: path })).toThrow('must not point outside');
    },
  );

  it.each(['a..b', 'v1...v2', 'src/..hidden', '.github/workflows'])(
    'accepts %s as an ordinary path',
    (path) => {
      expect(bound(readFile).bind({ path })).toMatchObject({ path });
    },
  );

  it('lets users write any text', () => {
    const write = tool('create_issue', ['owner', 'repo', 'title', 'body'], ['owner', 'repo', 'title']);
    const text = { title: 'See ../README', body: 'repo:octo/secret OR ../../x' };
    expect(bound(write).bind(text)).toMatchObject(text);
  });

  it.each([[[]], ['a text'], [null], [7]])('refuses arguments that are not an object: %j', (input) => {
    expect(() => bound(readFile).bind(input)).toThrow('must be an object');
  });

  it('refuses arguments that the tool does not have', () => {
    for (const name of ['repository', 'constructor', 'head_repo'])
      expect(() => bound(readFile).bind({ [name]: 'x' })).toThrow(`The argument ${name} does not exist`);
    expect(() => bound(readFile).bind(JSON.parse('{"__proto__": {"repo": "secret"}}'))).toThrow(
      'The argument __proto__ does not exist',
    );
  });

  it('removes arguments that name something elsewhere', () => {
    const write = tool(
      'issue_dependency_write',
      ['owner', 'repo', 'issue_number', 'related_issue_number', 'related_owner', 'related_repo', 'threadId'],
      ['owner', 'repo'],
    );
    expect(Object.keys(bound(write).inputSchema.properties ?? {})).toEqual([
      'owner',
      'repo',
      'issue_number',
      'related_issue_number',
    ]);
    expect(() => bound(write).bind({ related_repo: 'secret' })).toThrow(
      'The argument related_repo does not exist',
    );
  });

  it('scopes searches, with or without an address', () => {
    expect(bound(tool('search_code', ['query'], ['query'])).bind({ query: 'x' })).toEqual({
      query: 'repo:octo-org/hello x',
    });
    expect(bound(tool('search_issues', ['query', 'owner', 'repo'], ['query'])).bind({ query: 'x' })).toEqual({
      query: 'repo:octo-org/hello x',
      owner: 'octo-org',
      repo: 'hello',
    });
    expect(() => bound(tool('search_code', ['query'])).bind({ query: { $ne: 1 } })).toThrow(
      'must be a string',
    );
    expect(() => bound(tool('search_code', ['query'])).bind({ query: 'org:octo x' })).toThrow(
      'Only octo-org/hello',
    );
  });

  it.each([
    tool('search_repositories', ['query'], ['query']),
    tool('search_users', ['query'], ['query']),
    tool('create_repository', ['name', 'organization'], ['name']),
    tool('fork_repository', ['owner', 'repo', 'organization'], ['owner', 'repo']),
    tool('list_gists', ['username']),
    tool('get_teams', ['user']),
    tool('list_starred_repositories', []),
    tool('projects_list', ['owner', 'query'], ['owner']),
    tool('sub_issue_write', ['owner', 'repo', 'sub_issue_id'], ['owner', 'repo', 'sub_issue_id']),
    tool('resolve_review_thread', ['threadID'], ['threadID']),
    tool('copy_issue', ['owner', 'repo', 'target_repository'], ['owner', 'repo', 'target_repository']),
    { name: 'broken', inputSchema: {} },
  ])('offers no tool that cannot be bound: $name', (listed) => {
    expect(bindTool(listed, REPOSITORY)).toBeUndefined();
  });

  it('offers a tool that returns the user of the token', () => {
    expect(bound(tool('get_me', [])).bind({})).toEqual({});
  });
});
