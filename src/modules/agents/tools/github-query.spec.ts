import { scopeQuery } from './github-query.js';

const REPOSITORY = { owner: 'octo-org', name: 'hello.world' };

describe('a search query', () => {
  it.each([
    ['parseUrl', 'repo:octo-org/hello.world parseUrl'],
    ['', 'repo:octo-org/hello.world'],
    ['parseUrl repo:octo-org/hello.world', 'repo:octo-org/hello.world parseUrl'],
    ['repo:OCTO-ORG/Hello.World parseUrl', 'repo:octo-org/hello.world parseUrl'],
    ['repo:"octo-org/hello.world"  is:open', 'repo:octo-org/hello.world is:open'],
    ['path:src\nlanguage:ts', 'repo:octo-org/hello.world path:src language:ts'],
    ['"an open quotation', 'repo:octo-org/hello.world "an open quotation'],
    ['author:octo label:bug priority', 'repo:octo-org/hello.world author:octo label:bug priority'],
  ])('is limited to the repository: %j', (query, scoped) => {
    expect(scopeQuery(query, REPOSITORY)).toBe(scoped);
  });

  it.each([
    'key repo:octo/secret',
    'key repo:octo-org/hello.world repo:octo/secret',
    'repo:octo-org/hello-world',
    'repo:octo-org/hello.world.secret',
    'repo:octo-org/hello.world-2',
    'key -repo:octo-org/hello.world',
    'key REPO:octo/secret',
    'key repo : octo/secret',
    '"repo:octo/secret"',
    '(repo:octo/secret)',
    'org:octo key',
    'user:octo key',
    'owner:octo key',
    'enterprise:octo key',
    'key OR secret',
    'key or secret',
    '"key" OR(secret)',
  ])('cannot reach further: %s', (query) => {
    expect(() => scopeQuery(query, REPOSITORY)).toThrow(/can be searched|cannot use OR/);
  });
});
