/** The startup output: the URLs, and commands to copy that sign up and send a first message. */
export function startBanner({ url, publishableKey }: { url: string; publishableKey: string }): string[] {
  const json = `-H 'content-type: application/json'`;
  return [
    '',
    `  Switchboard       ${url}`,
    `  API docs          ${url}/docs`,
    `  Publishable key   ${publishableKey}`,
    '',
    '  Sign up and send a first message:',
    '',
    `  TOKEN=$(curl -s ${url}/auth/v1/signup -H 'apikey: ${publishableKey}' ${json} \\`,
    `    -d '{"email":"you@example.com","password":"correct-horse"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -N ${url}/api/chat -H "Authorization: Bearer $TOKEN" ${json} \\`,
    `    -d '{"id":"first-chat","message":{"id":"m1","role":"user","parts":[{"type":"text","text":"Hello!"}]}}'`,
    '',
    '  Become an administrator:  npm run user:role -- you@example.com admin',
    '',
  ];
}
