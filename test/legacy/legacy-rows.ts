import { randomUUID } from 'node:crypto';
import { hashPassword } from '../../src/embedded/password-hash.js';
import type { SqlRunner } from '../fixtures/rows.js';
import { featuresOf, type Version } from './legacy-schema.js';

export const PASSWORD = 'what the old chatbot knew';
export const PICTURE = 'https://blob.example.com/picture%20one.png';
export const MEGABYTE_TEXT = 'ein Satz mit Umlauten äöü und 🙂. '.repeat(27_000);
export const CONTEXT = { inputTokens: 12, outputTokens: 3, costUSD: { totalUSD: 0.0004 }, modelId: 'gpt-4o' };

/** The rows of an old database that tests use, named by their special property. */
export type Rows = Record<string, string>;

/** Fills an old database with rows as in real databases, including rows that should not exist. */
export class LegacyRows {
  readonly ids: Rows = {};
  private readonly features: ReturnType<typeof featuresOf>;

  private readonly database: SqlRunner;
  private readonly schema: string;

  constructor(database: SqlRunner, version: Version, schema = 'public') {
    this.database = database;
    this.schema = schema;
    this.features = featuresOf(version);
  }

  async fill(): Promise<Rows> {
    await this.users();
    await this.chats();
    if (this.features.firstMessages) await this.firstMessages();
    if (this.features.messages) await this.messages();
    if (this.features.documents) await this.documents();
    if (this.features.streams) {
      await this.insert('Stream', { chatId: this.ids.chat, createdAt: '2025-05-05 10:00:00' });
    }
    return this.ids;
  }

  private async users(): Promise<void> {
    const hash = await hashPassword(PASSWORD);
    // Some people registered twice, with capital letters, and in some databases a column was widened.
    await this.database.query(`alter table ${this.schema}."User" alter email type varchar(400)`);
    await this.insert('User', { email: 'Ann@Example.com', password: hash.replace('$2b$', '$2a$') }, 'ann');
    await this.insert('User', { email: 'ANN@example.com', password: hash }, 'annAgain');
    await this.insert('User', { email: 'bob@example.com', password: null }, 'bob');
    await this.insert('User', { email: 'guest-1735689600000', password: hash }, 'guest');
    await this.insert('User', { email: 'root', password: 'no hash at all' }, 'root');
    await this.insert('User', { email: `${'a'.repeat(300)}@example.com`, password: hash }, 'overlong');
    if (this.features.profiles) {
      await this.database.query(
        `update ${this.schema}."User" set name = 'Ann "🦉" O''Hara', image = 'https://example.com/ann.png',
                "emailVerified" = true, "createdAt" = '2025-01-02 03:04:05' where id = $1`,
        [this.ids.ann],
      );
    }
  }

  private async chats(): Promise<void> {
    const { ids, features } = this;
    const embedded = [
      { role: 'user', content: 'Where is 📍 Ulm?' },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'getWeather', args: { latitude: 48 } }],
      },
      {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'getWeather', result: { celsius: 3 } }],
      },
      { role: 'assistant', content: 'In the south.' },
      {
        role: 'user',
        content: 'And this?',
        id: 'V1StGXR8_Z5jdHi6',
        experimental_attachments: [{ name: 'p.png', contentType: 'image/png', url: PICTURE }],
      },
      {
        role: 'assistant',
        content: '',
        toolInvocations: [{ state: 'result', toolCallId: 'c2', toolName: 'look', args: {}, result: 'a cat' }],
      },
      null,
      { role: 'data', content: 'x' },
    ];
    const chat = (values: object, name: string) =>
      this.insert(
        'Chat',
        {
          userId: ids.ann,
          createdAt: '2025-03-04 05:06:07.891',
          ...(features.embedded ? { messages: JSON.stringify(embedded) } : { title: 'Ulm 🏰' }),
          ...values,
        },
        name,
      );
    await chat({}, 'chat');
    await chat({ userId: ids.guest, createdAt: '2025-01-01 00:00:00' }, 'guestChat');
    await chat({ userId: ids.annAgain, createdAt: '2024-01-01 00:00:00' }, 'earlierChat');
    await chat({ createdAt: 'infinity' }, 'endlessChat');
    await this.withoutKeys('Chat', () => chat({ userId: randomUUID() }, 'orphanChat'));
    if (!features.embedded) await chat({ title: 'é'.repeat(3_000) }, 'longTitle');
    if (features.visibility) await chat({ visibility: 'unlisted' }, 'unlistedChat');
    if (features.visibility) await chat({ visibility: 'public' }, 'publicChat');
    if (features.lastContext) await chat({ lastContext: JSON.stringify(CONTEXT) }, 'contextChat');
    if (features.lastContext) {
      await chat({ lastContext: JSON.stringify({ text: 'x'.repeat(2 * 1024 ** 2) }) }, 'largeContext');
    }
  }

  /** The first table of messages: the format that AI SDK 4 sent to models, with a row for each step and each result. */
  private async firstMessages(): Promise<void> {
    const { ids } = this;
    const at = (role: string, content: unknown, createdAt: string, name: string, chatId = ids.chat) =>
      this.insert('Message', { chatId, role, content: JSON.stringify(content), createdAt }, name);
    await at('user', 'Hello\u0000 👋', '2025-03-04 05:06:08', 'question');
    const call = {
      type: 'tool-call',
      toolCallId: 'call-1',
      toolName: 'getWeather',
      args: { latitude: 48.4 },
    };
    const result = {
      type: 'tool-result',
      toolCallId: 'call-1',
      toolName: 'getWeather',
      result: { celsius: -3 },
    };
    // One insert of the old chatbot: all rows have the same time, and only the order of rows gives their order.
    const same = '2025-03-04 05:06:09.123';
    await at('assistant', [{ type: 'text', text: 'I look.' }, call], same, 'callRow');
    await at('tool', [result], same, 'resultRow');
    await at('assistant', [{ type: 'text', text: 'Cold.' }], same, 'answerRow');
    await at(
      'user',
      [
        { type: 'text', text: 'See' },
        { type: 'image', image: PICTURE },
        { type: 'file', data: 'JVBERi0=', mimeType: 'application/pdf' },
      ],
      '2025-03-04 05:06:10',
      'pictureRow',
    );
    await at(
      'assistant',
      [
        { type: 'reasoning', text: 'hm', signature: 'c2ln' },
        { ...call, toolCallId: 'call-lost' },
      ],
      '2025-03-04 05:06:11',
      'lostCallRow',
    );
    await at('tool', [{ ...result, toolCallId: 'call-unknown' }], '2025-03-04 05:06:12', 'strayResult');
    await at('assistant', MEGABYTE_TEXT, '2025-03-04 05:06:13', 'megabyteRow');
    await at('data', { any: 1 }, '2025-03-04 05:06:14', 'dataRow');
    await at('user', { type: 'text', text: 'bare' }, '2025-03-04 05:06:15', 'bareRow');
    await this.withoutKeys('Message', () =>
      at('user', 'lost', '2025-03-04 05:06:15', 'orphanMessage', randomUUID()),
    );
    const vote = (messageId: string | undefined, isUpvoted: boolean) =>
      this.insert('Vote', { chatId: ids.chat, messageId, isUpvoted });
    await vote(ids.answerRow, true);
    await vote(ids.resultRow, false);
    if (this.features.messages) {
      // A chat that the old chatbot's own script has converted. Both tables contain it.
      await this.insert(
        'Chat',
        { userId: ids.bob, title: 'Converted', createdAt: '2025-02-02 00:00:00' },
        'convertedChat',
      );
      for (const [role, content, second] of [
        ['user', 'Hi', 1],
        ['assistant', [call], 2],
        ['tool', [result], 3],
        ['assistant', 'Ok', 4],
      ] as const) {
        await at(role, content, `2025-02-02 00:00:0${second}`, `converted${second}`, ids.convertedChat);
      }
      await this.message(
        { id: ids.converted1, chatId: ids.convertedChat, role: 'user', createdAt: '2025-02-02 00:00:01' },
        [{ type: 'text', text: 'Hi' }],
      );
      await this.message(
        { id: ids.converted2, chatId: ids.convertedChat, createdAt: '2025-02-02 00:00:02' },
        [
          { type: 'tool-invocation', toolInvocation: { ...call, state: 'result', result: result.result } },
          { type: 'text', text: 'Ok' },
        ],
      );
    }
  }

  private message(
    values: Rows[string] | object,
    parts: unknown,
    attachments: unknown = [],
    name?: string,
  ): Promise<void> {
    return this.insert(
      'Message_v2',
      {
        chatId: this.ids.chat,
        role: 'assistant',
        createdAt: '2025-05-05 10:00:00',
        parts: typeof parts === 'string' ? parts : JSON.stringify(parts),
        attachments: typeof attachments === 'string' ? attachments : JSON.stringify(attachments),
        ...(values as object),
      },
      name,
    );
  }

  /** The second table of messages: parts of AI SDK 4 to 7. */
  private async messages(): Promise<void> {
    const { ids } = this;
    let minute = 0;
    const add = (name: string, parts: unknown, values: object = {}, attachments: unknown = []) =>
      this.message(
        { createdAt: `2025-05-05 10:${String(++minute).padStart(2, '0')}:00.5`, ...values },
        parts,
        attachments,
        name,
      );
    const user = { role: 'user' };
    await add('plain', [{ type: 'text', text: 'Grüße 👩‍🚀 — plain' }], user);
    await add('plainAnswer', [
      { type: 'step-start' },
      { type: 'reasoning', text: 'why', state: 'done' },
      { type: 'text', text: 'a needle in the hay' },
    ]);
    await add('attached', [{ type: 'text', text: 'Look' }], user, [
      { name: 'one.png', url: PICTURE, contentType: 'image/png' },
      {},
    ]);
    await add(
      'fileParts',
      [{ type: 'file', mediaType: 'image/jpeg', name: 'two.jpg', url: 'https://blob.example.com/two.jpg' }],
      user,
    );
    await add('inlineFile', [{ type: 'file', mimeType: 'image/png', data: 'iVBORw0KGgo=' }], user);
    await add('invocations', [
      { type: 'step-start' },
      {
        type: 'reasoning',
        reasoning: 'old thought',
        details: [
          { type: 'text', text: 'old thought', signature: 'c2ln' },
          { type: 'redacted', data: 'xxxx' },
        ],
      },
      {
        type: 'tool-invocation',
        toolInvocation: {
          state: 'result',
          step: 0,
          toolCallId: 't1',
          toolName: 'createDocument',
          args: { title: 'T' },
          result: { id: 'd' },
        },
      },
      {
        type: 'tool-invocation',
        toolInvocation: { state: 'call', toolCallId: 't2', toolName: 'getWeather', args: {} },
      },
      {
        type: 'source',
        source: { sourceType: 'url', id: 's1', url: 'https://example.com', title: 'Example' },
      },
    ]);
    await add('tools', [
      {
        type: 'tool-getWeather',
        toolCallId: 'w1',
        state: 'output-available',
        input: { city: 'Ulm' },
        output: { t: 1 },
      },
      { type: 'tool-getWeather', toolCallId: 'w2', state: 'input-available', input: { city: 'Bonn' } },
      { type: 'tool-x', toolCallId: 'w3', state: 'approval-requested', input: {}, approval: { id: 'a' } },
      {
        type: 'dynamic-tool',
        toolName: 'y',
        toolCallId: 'w4',
        state: 'output-error',
        input: {},
        errorText: 'no',
      },
      { type: 'data-chat-title', data: 'x' },
      { type: 'hologram', depth: 3 },
      null,
      'words',
    ]);
    await add('nullParts', 'null');
    await add('textParts', '"only words"', user);
    await add(
      'escaped',
      String.raw`[{"type":"text","text":"nul \u0000 half \ud83d whole \ud83d\ude00"}]`,
      user,
    );
    await add('deep', `[{"type":"text","text":"x","extra":${'['.repeat(200)}${']'.repeat(200)}}]`);
    await add('veryDeep', `[{"type":"text","text":"x","extra":${'['.repeat(4_000)}${']'.repeat(4_000)}}]`);
    await add('megabyte', [{ type: 'text', text: MEGABYTE_TEXT }]);
    await add('wrongRole', [{ type: 'text', text: 'x' }], { role: 'critic' });
    await add('before', [{ type: 'text', text: 'x' }], { createdAt: '-infinity' });
    await this.withoutKeys('Message_v2', () =>
      add('orphan', [{ type: 'text', text: 'x' }], { chatId: randomUUID() }),
    );
    await this.withoutKeys('Message_v2', () =>
      add('ofOrphanChat', [{ type: 'text', text: 'x' }], { chatId: ids.orphanChat }),
    );
    await this.insert('Vote_v2', { chatId: ids.chat, messageId: ids.plainAnswer, isUpvoted: false });
    await this.insert('Vote_v2', { chatId: ids.chat, messageId: ids.wrongRole, isUpvoted: true });
    await this.insert('Vote_v2', { chatId: ids.guestChat, messageId: ids.plainAnswer, isUpvoted: true });
    await this.withoutKeys('Vote_v2', () =>
      this.insert('Vote_v2', { chatId: randomUUID(), messageId: ids.plainAnswer, isUpvoted: true }),
    );
  }

  private async documents(): Promise<void> {
    const { ids, features } = this;
    const version = (createdAt: string, values: object = {}) =>
      this.insert('Document', {
        id: ids.document,
        createdAt,
        title: 'Essay',
        content: 'one',
        userId: ids.ann,
        ...values,
      });
    ids.document = randomUUID();
    await version('2025-04-04 04:04:04.1234');
    await version('2025-04-04 04:04:04.1231', { content: 'none' });
    await version('2025-04-04 04:04:05', { content: null, title: 'ß'.repeat(2_500) });
    await version('2025-04-04 04:04:06', { userId: ids.bob, content: "bob's" });
    if (features.kind) await version('2025-04-04 04:04:07', { text: 'sheet', content: 'a,b' });
    if (features.kind) await version('2025-04-04 04:04:08', { text: 'diagram', content: 'graph' });
    await this.insert(
      'Document',
      { createdAt: 'infinity', title: 'Endless', content: 'x', userId: ids.bob },
      'endlessDocument',
    );
    const suggestion = (documentCreatedAt: string, name: string, values: object = {}) =>
      this.insert(
        'Suggestion',
        {
          documentId: ids.document,
          documentCreatedAt,
          originalText: 'one',
          suggestedText: 'zwei',
          description: null,
          userId: ids.ann,
          createdAt: '2025-04-05 00:00:00',
          ...values,
        },
        name,
      );
    await suggestion('2025-04-04 04:04:04.1234', 'suggestion');
    await suggestion('2025-04-04 04:04:06', 'suggestionOfBob');
    await suggestion('2025-04-04 04:04:05', 'lateSuggestion', { createdAt: '-infinity' });
    await this.withoutKeys('Suggestion', () => suggestion('2020-01-01 00:00:00', 'orphanSuggestion'));
  }

  /** Foreign keys can be missing: in restored dumps, and after a manual clean-up. */
  private async withoutKeys(table: string, work: () => Promise<void>): Promise<void> {
    const rows = await this.database.query(
      `select conname as name from pg_constraint where conrelid = '${this.schema}."${table}"'::regclass and contype = 'f'`,
    );
    for (const { name } of rows) {
      await this.database.query(`alter table ${this.schema}."${table}" drop constraint "${name}"`);
    }
    await work();
  }

  private async insert(table: string, values: object, name?: string): Promise<void> {
    const row: Record<string, unknown> = {
      ...(table.startsWith('Vote') ? {} : { id: randomUUID() }),
      ...values,
    };
    const columns = Object.keys(row);
    await this.database.query(
      `insert into ${this.schema}."${table}" (${columns.map((column) => `"${column}"`).join(', ')})
       values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
    if (name !== undefined) this.ids[name] = row['id'] as string;
  }
}
