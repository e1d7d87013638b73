import { isRepositoryName, parseRepositoryUrl } from './repository-name.js';

const HOSTS = ['github.com'];

describe('the URL of a repository', () => {
  it.each([
    'https://github.com/octo-org/Hello.World',
    'https://github.com/octo-org/Hello.World/',
    'https://github.com/octo-org/Hello.World.git',
    'http://www.github.com/octo-org/Hello.World',
    'https://GitHub.com/octo-org/Hello.World?tab=readme#usage',
    'https://github.com/octo-org/Hello.World/tree/main/src',
    'github.com/octo-org/Hello.World',
    '  https://github.com/octo-org/Hello.World  ',
    'git@github.com:octo-org/Hello.World.git',
    'ssh://git@github.com/octo-org/Hello.World.git',
    'git://github.com/octo-org/Hello.World.git',
  ])('is parsed: %s', (text) => {
    expect(parseRepositoryUrl(text, HOSTS)).toEqual({ owner: 'octo-org', name: 'Hello.World' });
  });

  it.each([
    ['https://gitlab.com/octo/hello', /must be a URL at github\.com/],
    ['https://github.com.example.com/octo/hello', /must be a URL at/],
    ['https://github.com:8443/octo/hello', /must be a URL at/],
    ['git@example.com:octo/hello.git', /must be a URL at/],
    ['https://example.com/github.com/octo/hello', /must be a URL at/],
    ['https://github.com@example.com/octo/hello', /credentials/],
    ['https://user:secret@github.com/octo/hello', /credentials/],
    ['https://github.com/octo', /must name a repository/],
    ['https://github.com/octo/.git', /must name a repository/],
    ['https://github.com/octo/..%2f..%2fuser', /must name a repository/],
    ['https://github.com/-octo/hello', /must name a repository/],
    ['javascript://github.com/octo/hello', /is not the URL/],
    ['https://', /is not the URL/],
    ['', /is not the URL/],
    ['no address at all', /is not the URL/],
  ])('is refused: %s', (text, reason) => {
    expect(parseRepositoryUrl(text, HOSTS)).toMatch(reason);
  });

  it('may be at a GitHub server of your own', () => {
    const hosts = ['github.example.com', 'github.com'];
    expect(parseRepositoryUrl('https://github.example.com/octo/hello', hosts)).toEqual({
      owner: 'octo',
      name: 'hello',
    });
  });

  it.each(['.', '..', '.git', '', 'a/b', 'a b', 'x'.repeat(101)])('has no name like %j', (name) => {
    expect(isRepositoryName(name)).toBe(false);
  });
});
