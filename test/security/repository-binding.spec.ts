import { bindTool, type ListedTool } from '../../src/modules/agents/tools/github-binding.js';

const REPOSITORY = { owner: 'octo-org', name: 'hello' };
const ADDRESS = { owner: 'octo-org', repo: 'hello' };

/** A tool with an uninformative schema: any argument may contain anything. */
function tool(names: string[], required: string[] = ['owner', 'repo'], name = 'a_tool'): ListedTool {
  const properties = Object.fromEntries([...new Set(['owner', 'repo', ...names])].map((key) => [key, {}]));
  return { name, inputSchema: { properties, required } };
}

const bind = (input: Record<string, unknown>) => {
  const bound = bindTool(tool(Object.keys(input)), REPOSITORY);
  if (!bound) throw new Error('it cannot be bound');
  return bound.bind(input);
};

/** Ways to write a path step out of the repository that something on the way to GitHub could interpret as one. */
const STEPS_OUT = [
  '../../octo/secret/contents/keys',
  'a/../../../octo/secret',
  '..',
  'a/..',
  '..\\..\\octo\\secret',
  '%2e%2e/%2e%2e/x',
  '.%2e/x',
  '%2E%2E%2Fx',
  '..%2fx',
  '..%5cx',
  '%252e%252e%252fx',
  '%25252e%25252e/x',
  '%2525252525252e%2525252525252e/x',
  '%c0%ae%c0%ae/x',
  '%u002e%u002e/x',
  '．．/x',
  '․․/x',
  '‥/x',
  '..／x',
  '..∕x',
  '..⁄x',
  '.\u200b./x',
  '.\u0000./x',
  '\u202e../x',
  '%ef%bc%8e%ef%bc%8e/x',
  'https://github.com/octo/secret',
  'https:%2f%2fgithub.com/octo/secret',
  '//api.github.com/repos/octo/secret',
  'git+ssh://github.com/octo/secret',
];

describe('the arguments of a call that is bound to a repository', () => {
  it.each(STEPS_OUT)('do not lead out of it: %j', (step) => {
    expect(() => bind({ ...ADDRESS, path: step })).toThrow('must not point outside');
    expect(() => bind({ ...ADDRESS, ref: step })).toThrow('must not point outside');
    expect(() => bind({ ...ADDRESS, labels: ['bug', step] })).toThrow('must not point outside');
    expect(() => bind({ ...ADDRESS, files: [{ path: step, content: 'x' }] })).toThrow(
      'must not point outside',
    );
  });

  it.each<[string, Record<string, unknown>]>([
    ['an object for a path', { path: { a: '..' } }],
    ['lists in a list', { path: [['..']] }],
    ['an object in a list', { labels: [{ name: '../x' }] }],
    ['files that are no list', { files: { path: 'x', content: 'x' } }],
    ['files that are no files', { files: ['../x'] }],
    ['files with more than that', { files: [{ path: 'x', content: 'x', repository: 'octo/secret' }] }],
    ['a content that is no text', { files: [{ path: 'x', content: { path: '../x' } }] }],
    ['thousands of levels', { path: JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown }],
  ])('have the types that tools accept: not %s', (_name, input) => {
    expect(() => bind({ ...ADDRESS, ...input })).toThrow(/must be|must not|Each item of files|too deeply/);
  });

  it.each(['head', 'base', 'ref', 'sha', 'branch', 'from_branch'])(
    'name no branch of another repository: %s',
    (name) => {
      expect(() => bind({ ...ADDRESS, [name]: 'octo:main' })).toThrow('must not point outside');
      expect(() => bind({ ...ADDRESS, [name]: 'octo：main' })).toThrow('must not point outside');
      expect(bind({ ...ADDRESS, [name]: 'feature/x' })).toEqual({ ...ADDRESS, [name]: 'feature/x' });
    },
  );

  it("may name the owner of a branch if it is the repository's own", () => {
    expect(bind({ ...ADDRESS, head: 'Octo-Org:feature' })).toMatchObject({ head: 'Octo-Org:feature' });
  });

  it.each([
    'Owner',
    'REPO',
    'repository',
    'repo_name',
    'full_name',
    'repositories',
    'repoOwner',
    'org',
    'organization',
    'url',
    'html_url',
    'uri',
    'endpoint',
    'node_id',
    'nodeId',
    'subject_id',
    'issue_url',
    'target',
    'remote',
    'upstream',
    'headRepositoryId',
    'variables',
    'q',
    'anything_new',
  ])('are known ones: %s is not offered, and neither is a tool that needs it', (name) => {
    const bound = bindTool(tool([name, 'path']), REPOSITORY);
    expect(Object.keys(bound?.inputSchema.properties ?? {})).toEqual(['owner', 'repo', 'path']);
    expect(() => bound?.bind({ ...ADDRESS, [name]: 'octo/secret' })).toThrow(
      `The argument ${name} does not exist`,
    );
    expect(bindTool(tool([name], ['owner', 'repo', name]), REPOSITORY)).toBeUndefined();
  });

  it('are sent unchanged if they stay within it', () => {
    const input = {
      ...ADDRESS,
      path: '/src/a..b/C#/100%/v1...v2/ü.ts',
      labels: ['bug', 'good first issue'],
      files: [{ path: 'docs/x.md', content: 'See ../y and https://example.com' }],
      issue_number: 7,
      body: 'See https://github.com/octo/secret and ../x, %2e%2e/',
      since: '2026-01-01T00:00:00Z',
      inputs: { path: '../x' },
    };
    expect(bind(input)).toEqual(input);
  });

  it('search nowhere else, however that is written', () => {
    const search = bindTool(tool(['query'], ['query'], 'search_code'), REPOSITORY);
    for (const query of ['ｒｅｐｏ：octo/secret x', 're\u200bpo:octo/secret x', 'repo\u0000:octo/secret'])
      expect(() => search?.bind({ query })).toThrow('Only octo-org/hello');
    expect(() => search?.bind({ query: ['repo:octo/secret'] })).toThrow('must be a string');
  });
});
