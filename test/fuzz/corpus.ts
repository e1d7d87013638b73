/*
 * Requests that pass validation, for operations where the schema alone seldom produces one. They are sent unchanged,
 * and with a part of them replaced. Values that start with § stand for something that exists.
 */

const text = (value: string) => ({ type: 'text', text: value });
const user = (...parts: object[]) => ({ id: '§fresh', role: 'user', parts });
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const BODIES: Record<string, unknown[]> = {
  Chat_send: [
    { id: '§fresh', message: user(text('Hello!')) },
    { id: '§chat.0', message: user(text('And then?')), agent: 'chat', thinking: false },
    { id: '§chat.1', message: user(text('And then?')), visibility: 'public' },
    {
      id: '§fresh',
      message: user(text('What is it?'), { type: 'file', mediaType: 'image/png', url: PICTURE }),
    },
    { id: '§fresh', message: user(text('Write.')), agent: 'artifact', documentId: '§document.0' },
    { id: '§fresh', message: user(text('Look.')), agent: 'git_mcp', repositoryId: '§repository.0' },
    { id: '§fresh', message: user(text('Hello!')), model: 'openai/gpt-4o-mini', agent: 'chat' },
    { id: '§chat.0', trigger: 'regenerate-message', messages: [] },
    { id: '§chat.2', trigger: 'regenerate-message', messageId: '§message.2', messages: [] },
    { id: '§chat.0', message: { ...user(text('Edited.')), id: '§message.0' } },
    { id: 'a-chat-of-mine', trigger: 'submit-message', messages: [user(text('One')), user(text('Two'))] },
    {
      id: '§chat.1',
      message: {
        id: '§message.1',
        role: 'assistant',
        parts: [
          {
            type: 'tool-create_file',
            toolCallId: 'call-1',
            state: 'approval-responded',
            input: {},
            approval: { id: 'approval-1', approved: true },
          },
        ],
      },
    },
  ],
  Chats_fork: [{ messageId: '§message.0' }],
  Documents_create: [
    { title: 'Words', kind: 'text', content: 'Once' },
    { id: '§fresh', title: 'Code', kind: 'code', content: 'let a = 1;' },
    { title: 'Table', kind: 'sheet', content: 'a,b\n1,2\n' },
    { title: 'Picture', kind: 'image', content: PICTURE },
  ],
  Documents_put: [
    { content: 'Once upon a night' },
    { title: 'Other', content: 'x', baseVersion: '§version.0' },
  ],
  Versions_restore: [{ version: '§version.0' }],
  Github_connect: [
    { owner: 'octo-org', name: 'hello-world' },
    { url: 'https://github.com/octo-org/hello-world' },
  ],
  AdminUsers_update: [{ role: 'admin' }, { isActive: false }, { role: 'user', isActive: true }],
  AdminConfig_patch: [
    { configData: { budget: { daily: 2 } } },
    { configData: { parameters: { temperature: 0.5 }, rateLimit: { hourly: 10, daily: 20 } } },
  ],
  ConfigHistory_rollBack: [{ version: 1 }],
};

/** Values of path parameters that match the bodies. */
export const PATH_VALUES: Record<string, string> = { key: 'chat_agent_google' };
