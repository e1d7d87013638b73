import type { Operation } from '../support/openapi-document.js';
import type { World } from './authorization-world.js';

/*
 * Facts that the authorization matrix cannot read from openapi.json: whose resource an id refers to, and who may read
 * it. Everything else follows by rule. A new operation needs an entry here only if the matrix asks for it.
 */

/** What an id refers to. */
export type Resource = 'chat' | 'message' | 'document' | 'suggestion' | 'repository' | 'user' | 'file';

/** Routes without a token, each with a reason. */
export const PUBLIC_OPERATIONS: Record<string, string> = {
  Health_live: 'An orchestrator asks whether the process lives.',
  Health_ready: 'An orchestrator asks whether the process can serve.',
  Health_metrics: 'Prometheus reads it; METRICS_PORT moves it to a port of its own.',
};

/** Routes that are not in openapi.json, each with a reason. A trailing slash includes everything below. */
export const UNDOCUMENTED_ROUTES: Record<string, string> = {
  '/': 'Leads to the page below.',
  '/docs': 'The page that shows the document.',
  '/docs/': 'The document itself, and the files of the page.',
  '/docs-yaml': 'The document in another notation.',
  '*': 'Preflight requests of browsers.',
};

export interface IdRule {
  /** The prefix of the path. If omitted, any path. */
  below?: string;
  in: 'path' | 'query' | 'body';
  name: string;
  /** What the value refers to. `text` is not an id. */
  names: Resource | 'text';
  /**
   * - `filter`: filters a list of the caller's own items; ids of others find nothing.
   * - `claim`: a name that the caller gives to something new; whether or not another user has taken it, it gives no
   * access.
   */
  as?: 'filter' | 'claim';
  /** Body fields that are needed for the id to be looked up. */
  with?: Record<string, unknown>;
}

/** The first matching rule is used. Every string without an enum or a date-time format needs one. */
export const ID_RULES: IdRule[] = [
  { below: '/api/chats', in: 'path', name: 'id', names: 'chat' },
  { below: '/api/chat/', in: 'path', name: 'id', names: 'chat' },
  { below: '/api/documents', in: 'path', name: 'id', names: 'document' },
  { below: '/api/suggestions', in: 'path', name: 'id', names: 'suggestion' },
  { below: '/api/github/repositories', in: 'path', name: 'id', names: 'repository' },
  { below: '/api/admin/users', in: 'path', name: 'id', names: 'user' },
  { below: '/api/chats', in: 'path', name: 'messageId', names: 'message' },
  { below: '/api/files', in: 'query', name: 'path', names: 'file' },
  { below: '/api/chats', in: 'query', name: 'from', names: 'message' },
  { in: 'query', name: 'chatId', names: 'chat', as: 'filter' },
  { in: 'query', name: 'userId', names: 'user', as: 'filter' },
  { in: 'query', name: 'actor', names: 'user', as: 'filter' },
  { below: '/api/chats/{id}/fork', in: 'body', name: 'messageId', names: 'message' },
  { below: '/api/chats', in: 'body', name: 'id', names: 'chat', as: 'claim' },
  { below: '/api/documents', in: 'body', name: 'id', names: 'document', as: 'claim' },
  { below: '/api/chat', in: 'body', name: 'id', names: 'chat', as: 'claim' },
  { below: '/api/chat', in: 'body', name: 'message.id', names: 'message', as: 'claim' },
  {
    below: '/api/chat',
    in: 'body',
    name: 'messageId',
    names: 'message',
    with: { trigger: 'regenerate-message' },
  },
  { below: '/api/chat', in: 'body', name: 'documentId', names: 'document', with: { agent: 'artifact' } },
  { below: '/api/chat', in: 'body', name: 'repositoryId', names: 'repository', with: { agent: 'git_mcp' } },
  // Of `messages` only the last user message is read, as `message` is.
  { below: '/api/chat', in: 'body', name: 'messages.id', names: 'text' },
  ...['q', 'cursor', 'from', 'to', 'tz', 'model', 'provider', 'action'].map((name): IdRule => ({
    in: 'query',
    name,
    names: 'text',
  })),
  ...[
    ...['title', 'content', 'instruction', 'model', 'url', 'owner', 'name', 'prompt', 'configData'],
    ...['filename', 'contentType'],
    ...['message.parts', 'messages.parts', 'messages.role', 'message.metadata', 'messages.metadata'],
  ].map((name): IdRule => ({ in: 'body', name, names: 'text' })),
];

/** What any signed-in user may do with a public chat if they have its id. */
export const READ_OF_PUBLIC_CHATS = new Set(['Chats_read', 'Messages_list', 'Chats_export', 'Chats_fork']);

/**
 * The running answer is the caller's or does not exist: another user's answer looks like no answer, without an error.
 */
export const ABOUT_RUNNING_ANSWERS = new Set(['Chat_resume', 'Chat_stop']);

/** The fields of an administrator's view of other users' data. Everything else stays hidden. */
export const SEEN_BY_ADMINISTRATORS = ['chat-title', 'user-settings', 'usage-metadata', 'usage-model'];

/** Values of a valid call in addition to the examples of openapi.json. */
export const SAMPLE_BODIES: Record<string, (world: World) => unknown> = {
  Chat_send: ({ fresh }) => ({ id: fresh(), agent: 'chat', message: questionOf(fresh()) }),
  Chats_create: () => ({ title: 'A new chat' }),
  Documents_create: () => ({ title: 'A new document', kind: 'text', content: 'words' }),
  Documents_put: () => ({ content: 'other words' }),
  Versions_restore: ({ documentVersion }) => ({ version: documentVersion }),
  Github_connect: () => ({ owner: 'octo-org', name: 'hello-world' }),
  AdminConfig_replace: ({ configData }) => ({ configData }),
  AdminConfig_patch: () => ({ configData: { systemPrompt: 'Answer in rhymes.' } }),
  ConfigHistory_rollBack: () => ({ version: 1 }),
  AdminUsers_update: () => ({ role: 'user' }),
};

/**
 * Path parameters that are not ids of a user's resource. With an operation id before the name, only for that operation.
 */
export const SAMPLE_PATH: Record<string, string> = {
  key: 'chat_agent_google',
  // The active provider cannot be removed.
  'AdminConfig_delete.key': 'chat_agent_openai',
};

export const questionOf = (id: string) => ({ id, role: 'user', parts: [{ type: 'text', text: 'Hello!' }] });

/** @throws Error saying what to add, for an operation of a kind that the matrix does not know */
export function accessOf({ id, path, isPublic }: Operation): 'public' | 'signed-in' | 'administrator' {
  if (isPublic) {
    if (PUBLIC_OPERATIONS[id] === undefined)
      throw new Error(
        `${id} needs no token. Add it to PUBLIC_OPERATIONS in test/security/authorization-facts.ts with the reason, ` +
          'or take @Public() away and put @ApiBearerAuth() on it.',
      );
    return 'public';
  }
  return path.startsWith('/api/admin/') ? 'administrator' : 'signed-in';
}

/** @throws Error saying what to add, for a parameter that no rule is about */
export function ruleFor({ id, path }: Operation, place: IdRule['in'], name: string): IdRule {
  const rule = ID_RULES.find(
    (candidate) =>
      candidate.in === place && candidate.name === name && path.startsWith(candidate.below ?? '/'),
  );
  if (rule) return rule;
  throw new Error(
    `${id} takes "${name}" in its ${place}, and the authorization matrix does not know what it names. Add a rule to ` +
      'ID_RULES in test/security/authorization-facts.ts: whose resource it is, or names: "text" when it is nobody\'s.',
  );
}
