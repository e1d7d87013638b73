import { GITHUB_TOKEN } from '../doubles/github/github-double.js';
import { type McpDouble, startMcpDouble } from '../doubles/github/mcp-double.js';
import type { Script } from '../doubles/script.js';
import type { TestUser } from './app.js';
import { type Answer, type ChatApp, startChatApp, userMessage } from './chat-app.js';

/** The repository that is selected in the chat, and an unrelated one. */
export const CHOSEN = 'octo-org/hello';
export const OTHER = 'octo/secret';

export interface GithubApp extends ChatApp {
  mcp: McpDouble;
  admin: TestUser;
  /** Changes `mcp` of the agent's configuration, merged into the current one. The default provider is Google. */
  configure(mcp: object, provider?: string): Promise<void>;
  /** Connects a repository without calling GitHub. The id is its `repositoryId`. */
  connect(user: TestUser, name?: string): Promise<string>;
  /** Sends a message to the agent in the compact form. */
  ask(user: TestUser, chatId: string, text: string, options?: AskOptions): Promise<Answer>;
  /** The next model calls make these tool calls, one after the other, and then return this text. */
  script(...steps: Array<ScriptedCall | string>): void;
}

export interface AskOptions {
  repositoryId?: string;
  headers?: Record<string, string>;
  body?: object;
}

export interface ScriptedCall {
  name: string;
  input: object;
  id?: string;
}

export const TOKEN_HEADER = { 'x-github-token': GITHUB_TOKEN };

let nextCall = 0;

/** The application with doubles of the providers and of GitHub's MCP server. */
export async function startGithubApp(environment: Record<string, string> = {}): Promise<GithubApp> {
  const mcp = await startMcpDouble();
  const app = await startChatApp(environment);
  const admin = await app.createUser({ role: 'admin' });

  const configure: GithubApp['configure'] = async (changes, provider = 'google') => {
    const response = await app.request('PATCH', `/api/admin/config/git_mcp_agent_${provider}`, {
      user: admin,
      body: { configData: { mcp: changes } },
    });
    if (response.status !== 200) throw new Error(response.text);
  };
  await configure({ url: mcp.url });

  return {
    ...app,
    mcp,
    admin,
    configure,
    connect: async (user, name = CHOSEN) => {
      const [owner, repository] = name.split('/');
      const [row] = await app.database.query(
        `insert into github_repositories (user_id, repo_owner, repo_name, repo_url, default_branch)
         values ($1, $2, $3, $4, 'trunk') returning id`,
        [user.id, owner, repository, `https://github.com/${name}`],
      );
      return String(row.id);
    },
    ask: (user, chatId, text, { repositoryId, headers = TOKEN_HEADER, body } = {}) =>
      app.post(
        user,
        { id: chatId, message: userMessage(text), agent: 'git_mcp', repositoryId, ...body },
        { headers },
      ),
    script: (...steps) => {
      for (const step of steps) app.double.enqueue(toScript(step));
    },
    close: async () => {
      await app.close();
      await mcp.close();
    },
  };
}

function toScript(step: ScriptedCall | string): Script {
  const usage = { input: 100, output: 10 };
  if (typeof step === 'string') return { text: [step], usage };
  const { name, input, id = `call-${++nextCall}` } = step;
  return { toolCalls: [{ id, name, input }], usage };
}
