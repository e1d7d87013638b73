import { validateUIMessages } from 'ai';
import { verifyDatabase } from '../../src/common/database/verify/verify-database.js';
import { apply, dryRun, finish, type Result } from '../../src/upgrade-legacy/upgrade.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { CONTEXT, LegacyRows, MEGABYTE_TEXT, PICTURE, type Rows } from './legacy-rows.js';
import { createLegacyTables, featuresOf, VERSIONS } from './legacy-schema.js';
import { linesOf, OPTIONS, withClient } from './upgrade.js';

describe.each(VERSIONS)('a database of schema %s', (version) => {
  const features = featuresOf(version);
  let database: TestDatabase;
  let ids: Rows;
  let planned: Result;
  let result: Result;

  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
    await createLegacyTables(database, version);
    ids = await new LegacyRows(database, version).fill();
    const before = await everything(database);
    planned = await withClient(database.url, (client) => dryRun(client, OPTIONS));
    expect(await everything(database)).toEqual(before);
    result = await withClient(database.url, (client) => apply(client, database.url, OPTIONS));
  }, 60_000);

  afterAll(() => database?.drop());

  const one = async (sql: string, values: unknown[] = []) => (await database.query(sql, values))[0];
  const message = (name: string) =>
    one(`select role, parts, attachments, "createdAt", "chatId" from "Message_v2" where id = $1`, [
      ids[name],
    ]);
  const partsOf = async (name: string) => (await message(name))?.parts;

  it('does what the dry run has announced', () => {
    expect(linesOf(result)).toEqual(linesOf(planned));
    expect(result.counts).toEqual(planned.counts);
    expect(result.decisions.length).toBeGreaterThan(3);
  });

  it('is the database that this version expects', async () => {
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
  });

  it('has every old row, or records where it is', async () => {
    for (const { table, before, after, setAside, folded } of result.counts) {
      expect({ table, before }).toEqual({ table, before: after + setAside + folded });
      expect(await one(`select count(*)::integer as rows from switchboard_old."${table}"`)).toEqual({
        rows: before,
      });
      const [told] = await database.query(
        `select count(*)::integer as rows, bool_and(original is not null) as kept from switchboard.legacy_report
          where table_name = $1 and decision = 'set aside'`,
        [table],
      );
      expect(told).toEqual({ rows: setAside, kept: setAside > 0 ? true : null });
    }
  });

  it('has the users, with their passwords', async () => {
    const users = await database.query(`
      select account.email, account.encrypted_password as password, account.is_anonymous as guest,
             account.raw_user_meta_data as metadata, old.email as old, old.password as hash, account.email_confirmed_at is not null as confirmed
        from switchboard_old."User" old left join auth.users account on account.id = old.id order by old.email collate "C"`);

    const by = Object.fromEntries(users.map((user) => [user.old.slice(0, 20), user]));
    expect(users).toHaveLength(6);
    expect(by['bob@example.com']).toMatchObject({ email: 'bob@example.com', password: '', guest: false });
    // The account that was used last keeps the email address.
    expect(by['Ann@Example.com']).toMatchObject({
      email: 'ann@example.com',
      password: by['Ann@Example.com']!.hash,
      confirmed: true,
    });
    expect(by['ANN@example.com']).toMatchObject({
      email: `duplicate-${ids.annAgain}@legacy.invalid`,
      password: by['ANN@example.com']!.hash,
    });
    expect(by['guest-1735689600000']).toMatchObject({
      email: null,
      guest: true,
      password: '',
      confirmed: false,
    });
    expect(by['root']).toMatchObject({ email: 'root', password: '' });
    expect(by['a'.repeat(20)]).toMatchObject({ email: `overlong-${ids.overlong}@legacy.invalid` });
    expect(by['Ann@Example.com']!.metadata).toMatchObject({ role: 'user', isActive: true });
    if (features.profiles) {
      expect(by['Ann@Example.com']!.metadata).toMatchObject({
        name: 'Ann "🦉" O\'Hara',
        avatar_url: 'https://example.com/ann.png',
      });
    }
    const report = await database.query(
      `select original::text as text from switchboard.legacy_report where table_name = 'User'`,
    );
    expect(report.map(({ text }) => text).join()).not.toMatch(/password|no hash at all/);
  });

  it('has the chats', async () => {
    const chat = (name: string) =>
      one(
        `select user_id, title, "createdAt", visibility, "lastContext", updated_at >= "createdAt" as touched from chat where id = $1`,
        [ids[name]],
      );
    expect(await chat('chat')).toEqual({
      user_id: ids.ann,
      title: features.embedded ? 'Where is 📍 Ulm?' : 'Ulm 🏰',
      createdAt: new Date('2025-03-04T05:06:07.891Z'),
      visibility: 'private',
      lastContext: null,
      touched: true,
    });
    expect(await chat('guestChat')).toMatchObject({ user_id: ids.guest });
    expect(await chat('endlessChat')).toMatchObject({ user_id: ids.ann });
    expect(await chat('orphanChat')).toBeUndefined();
    if (ids.longTitle) expect((await chat('longTitle')).title).toBe('é'.repeat(2_000));
    if (ids.publicChat) expect(await chat('publicChat')).toMatchObject({ visibility: 'public' });
    if (ids.unlistedChat) expect(await chat('unlistedChat')).toMatchObject({ visibility: 'private' });
    if (features.lastContext) {
      expect(await chat('contextChat')).toMatchObject({ lastContext: CONTEXT });
      expect(await chat('largeContext')).toMatchObject({ lastContext: null });
    }
  });

  it('has messages that the current AI SDK reads', async () => {
    const rows = await database.query(
      `select id, role, parts from "Message_v2" where json_array_length(parts) > 0`,
    );
    expect(rows.length).toBeGreaterThan(3);
    await expect(validateUIMessages({ messages: rows as unknown })).resolves.toHaveLength(rows.length);
  });

  if (features.embedded) {
    it('has the messages of chats that contained them', async () => {
      const rows = await database.query(
        `select role, parts from "Message_v2" where "chatId" = $1 order by "createdAt"`,
        [ids.chat],
      );
      expect(rows).toEqual([
        { role: 'user', parts: [{ type: 'text', text: 'Where is 📍 Ulm?' }] },
        {
          role: 'assistant',
          parts: [
            {
              type: 'tool-getWeather',
              toolCallId: 'c1',
              state: 'output-available',
              input: { latitude: 48 },
              output: { celsius: 3 },
            },
          ],
        },
        { role: 'assistant', parts: [{ type: 'text', text: 'In the south.' }] },
        {
          role: 'user',
          parts: [
            { type: 'file', mediaType: 'image/png', filename: 'p.png', url: PICTURE },
            { type: 'text', text: 'And this?' },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'tool-look', toolCallId: 'c2', state: 'output-available', input: {}, output: 'a cat' },
          ],
        },
      ]);
    });
  }

  if (features.firstMessages) {
    it('has the messages of the first table, with results merged into their calls', async () => {
      expect(await partsOf('question')).toEqual([{ type: 'text', text: 'Hello 👋' }]);
      expect(await partsOf('callRow')).toEqual([
        { type: 'text', text: 'I look.' },
        {
          type: 'tool-getWeather',
          toolCallId: 'call-1',
          state: 'output-available',
          input: { latitude: 48.4 },
          output: { celsius: -3 },
        },
      ]);
      expect(await message('resultRow')).toBeUndefined();
      expect(await partsOf('answerRow')).toEqual([{ type: 'text', text: 'Cold.' }]);
      expect(await partsOf('pictureRow')).toEqual([
        { type: 'text', text: 'See' },
        { type: 'file', mediaType: 'image/png', url: PICTURE },
        { type: 'file', mediaType: 'application/pdf', url: 'data:application/pdf;base64,JVBERi0=' },
      ]);
      expect(await partsOf('lostCallRow')).toEqual([
        {
          type: 'reasoning',
          text: 'hm',
          providerMetadata: { anthropic: { signature: 'c2ln' } },
          state: 'done',
        },
        {
          type: 'tool-getWeather',
          toolCallId: 'call-lost',
          state: 'output-error',
          input: { latitude: 48.4 },
          errorText: 'This call has no result.',
        },
      ]);
      expect(await partsOf('megabyteRow')).toEqual([{ type: 'text', text: MEGABYTE_TEXT }]);
      expect(await partsOf('bareRow')).toEqual([{ type: 'text', text: 'bare' }]);
      for (const name of ['strayResult', 'dataRow', 'orphanMessage'])
        expect(await message(name)).toBeUndefined();
      const order = await database.query(
        `select id, "createdAt" from "Message_v2" where id = any($1) order by "createdAt"`,
        [[ids.answerRow, ids.callRow]],
      );
      expect(order.map(({ id }) => id)).toEqual([ids.callRow, ids.answerRow]);
      expect(order[0].createdAt).toEqual(new Date('2025-03-04T05:06:09.123Z'));
      expect(await one(`select "isUpvoted" from "Vote_v2" where "messageId" = $1`, [ids.answerRow])).toEqual({
        isUpvoted: true,
      });
    });
  }

  if (features.messages) {
    it('has the messages of the second table', async () => {
      expect(await message('plain')).toEqual({
        role: 'user',
        parts: [{ type: 'text', text: 'Grüße 👩‍🚀 — plain' }],
        attachments: [],
        createdAt: new Date('2025-05-05T10:01:00.500Z'),
        chatId: ids.chat,
      });
      expect(await partsOf('attached')).toEqual([
        { type: 'file', mediaType: 'image/png', filename: 'one.png', url: PICTURE },
        { type: 'text', text: 'Look' },
      ]);
      expect(await partsOf('fileParts')).toEqual([
        {
          type: 'file',
          mediaType: 'image/jpeg',
          filename: 'two.jpg',
          url: 'https://blob.example.com/two.jpg',
        },
      ]);
      expect(await partsOf('inlineFile')).toEqual([
        { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,iVBORw0KGgo=' },
      ]);
      expect(await partsOf('invocations')).toEqual([
        { type: 'step-start' },
        {
          type: 'reasoning',
          text: 'old thought',
          state: 'done',
          providerMetadata: { anthropic: { signature: 'c2ln' } },
        },
        {
          type: 'reasoning',
          text: '',
          state: 'done',
          providerMetadata: { anthropic: { redactedData: 'xxxx' } },
        },
        {
          type: 'tool-createDocument',
          toolCallId: 't1',
          state: 'output-available',
          input: { title: 'T' },
          output: { id: 'd' },
        },
        {
          type: 'tool-getWeather',
          toolCallId: 't2',
          state: 'output-error',
          input: {},
          errorText: 'This call has no result.',
        },
        { type: 'source-url', sourceId: 's1', url: 'https://example.com', title: 'Example' },
      ]);
      expect(await partsOf('tools')).toEqual([
        {
          type: 'tool-getWeather',
          toolCallId: 'w1',
          state: 'output-available',
          input: { city: 'Ulm' },
          output: { t: 1 },
        },
        {
          type: 'tool-getWeather',
          toolCallId: 'w2',
          state: 'output-error',
          input: { city: 'Bonn' },
          errorText: 'This call has no result.',
        },
        {
          type: 'tool-x',
          toolCallId: 'w3',
          state: 'output-error',
          input: {},
          errorText: 'This call has no result.',
        },
        {
          type: 'dynamic-tool',
          toolName: 'y',
          toolCallId: 'w4',
          state: 'output-error',
          input: {},
          errorText: 'no',
        },
        { type: 'data-chat-title', data: 'x' },
        { type: 'data-legacy', data: { type: 'hologram', depth: 3 } },
        { type: 'text', text: 'words' },
      ]);
      expect(await partsOf('nullParts')).toEqual([]);
      expect(await partsOf('textParts')).toEqual([{ type: 'text', text: 'only words' }]);
      expect(await partsOf('escaped')).toEqual([{ type: 'text', text: 'nul  half \ufffd whole 😀' }]);
      expect(await partsOf('megabyte')).toEqual([{ type: 'text', text: MEGABYTE_TEXT }]);
      for (const name of ['deep', 'veryDeep', 'wrongRole', 'orphan', 'ofOrphanChat']) {
        expect(await message(name)).toBeUndefined();
        expect(
          await one(
            `select decision, original ->> 'id' as id from switchboard.legacy_report where row_id = $1 and table_name = 'Message_v2'`,
            [ids[name]],
          ),
        ).toEqual({ decision: 'set aside', id: ids[name] });
      }
      // It is still the first message of its chat.
      const first = await one(
        `select id from "Message_v2" where "chatId" = $1 order by "createdAt" limit 1`,
        [ids.chat],
      );
      expect(first.id).toBe(ids.before);
      expect(
        await database.query(`select "chatId", "messageId" from "Vote_v2" where not "isUpvoted"`),
      ).toEqual([{ chatId: ids.chat, messageId: ids.plainAnswer }]);
    });

    if (features.firstMessages) {
      it('keeps what the old chatbot has converted itself', async () => {
        const rows = await database.query(
          `select id, parts from "Message_v2" where "chatId" = $1 order by "createdAt"`,
          [ids.convertedChat],
        );
        expect(rows.map(({ id }) => id)).toEqual([ids.converted1, ids.converted2]);
        expect(rows[1].parts).toEqual([
          {
            type: 'tool-getWeather',
            toolCallId: 'call-1',
            state: 'output-available',
            input: { latitude: 48.4 },
            output: { celsius: -3 },
          },
          { type: 'text', text: 'Ok' },
        ]);
      });
    }
  }

  if (features.documents) {
    it('has all versions of the documents, and their suggestions', async () => {
      const rows = await database.query(
        `select "createdAt", content, kind, user_id from "Document" where id = $1 order by "createdAt"`,
        [ids.document],
      );
      expect(rows.map(({ createdAt, content, kind }) => [createdAt.toISOString(), content, kind])).toEqual([
        ['2025-04-04T04:04:04.123Z', 'none', 'text'],
        ['2025-04-04T04:04:04.124Z', 'one', 'text'],
        ['2025-04-04T04:04:05.000Z', null, 'text'],
        ...(features.kind
          ? [
              ['2025-04-04T04:04:07.000Z', 'a,b', 'sheet'],
              ['2025-04-04T04:04:08.000Z', 'graph', 'text'],
            ]
          : []),
      ]);
      expect(new Set(rows.map(({ user_id: owner }) => owner))).toEqual(new Set([ids.ann]));
      expect(await one(`select content from "Document" where id = $1`, [ids.endlessDocument])).toEqual({
        content: 'x',
      });
      const suggestions = await database.query(
        `select id, "documentCreatedAt" from "Suggestion" order by "documentCreatedAt"`,
      );
      expect(suggestions).toEqual([
        { id: ids.suggestion, documentCreatedAt: new Date('2025-04-04T04:04:04.124Z') },
        { id: ids.lateSuggestion, documentCreatedAt: new Date('2025-04-04T04:04:05.000Z') },
      ]);
    });
  }

  it('gives the same result when it is run again, and drops the old tables at the end', async () => {
    const again = await withClient(database.url, (client) => apply(client, database.url, OPTIONS));
    expect(linesOf(again)).toEqual(linesOf(result));
    const dropped = await withClient(database.url, (client) => finish(client));
    expect(dropped).toHaveLength(result.counts.length);
    const [row] = await database.query(
      `select to_regnamespace('switchboard_old') as old, to_regnamespace('switchboard_legacy') as work,
              (select count(*)::integer from switchboard.legacy_report) as told`,
    );
    expect(row).toMatchObject({ old: null, work: null });
    expect(row.told).toBeGreaterThan(3);
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
    await expect(withClient(database.url, (client) => finish(client))).rejects.toThrow(
      'there is no upgrade to finish',
    );
  });
});

/** All schemas, tables and rows, to check that nothing has changed. */
async function everything(database: TestDatabase): Promise<unknown> {
  const tables = await database.query(
    `select oid::regclass::text as name from pg_class
      where relkind = 'r' and relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_|^information_schema$') order by 1`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      database.query(
        `select '${name}' as name, md5(string_agg(t::text, '' order by t::text)) from ${name} t`,
      ),
    ),
  );
  return {
    rows,
    schemas: await database.query(
      `select nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp' order by 1`,
    ),
  };
}
