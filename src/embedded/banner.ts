import type { EmbeddedStack } from './embedded-stack.js';

export interface BannerOptions {
  url: string;
  publishableKey: string;
  /** The account of the commands. */
  user: { email: string; password: string };
  /** Whether that account exists, with this password. */
  isKnown: boolean;
}

/**
 * Chooses the account for the commands: one with which they work. A password that a user has changed is not known here,
 * so the next address is taken then.
 */
export async function chooseAccount(
  find: EmbeddedStack['findUser'],
): Promise<Pick<BannerOptions, 'user' | 'isKnown'>> {
  for (let number = 1; ; number++) {
    const user = { email: `you${number === 1 ? '' : number}@example.com`, password: 'correct-horse' };
    const found = await find(user);
    if (found !== 'other password') return { user, isKnown: found === 'same' };
  }
}

/** The startup output: the URLs, and commands to copy that sign up (or in) and send a message. */
export function startBanner({ url, publishableKey, user, isKnown }: BannerOptions): string[] {
  const json = `-H 'content-type: application/json'`;
  const [title, path] = isKnown
    ? ['Sign in and send a message', 'token?grant_type=password']
    : ['Sign up and send a first message', 'signup'];
  return [
    '',
    `  Switchboard       ${url}`,
    `  API docs          ${url}/docs`,
    `  Publishable key   ${publishableKey}`,
    '',
    `  ${title}:`,
    '',
    `  TOKEN=$(curl -s '${url}/auth/v1/${path}' -H 'apikey: ${publishableKey}' ${json} \\`,
    `    -d '${JSON.stringify(user)}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -N ${url}/api/chat -H "Authorization: Bearer $TOKEN" ${json} \\`,
    `    -d '{"id":"first-chat","message":{"id":"m1","role":"user","parts":[{"type":"text","text":"Hello!"}]}}'`,
    '',
    `  Become an administrator:  npm run user:role -- ${user.email} admin`,
    '',
  ];
}
