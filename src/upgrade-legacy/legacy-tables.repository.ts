import type pg from 'pg';

/** Every table that any version of the old chatbot had, with its original name. */
export const LEGACY_TABLES = [
  'User',
  'Chat',
  'Message',
  'Message_v2',
  'Vote',
  'Vote_v2',
  'Document',
  'Suggestion',
  'Stream',
] as const;
export type LegacyTable = (typeof LEGACY_TABLES)[number];

const COLUMNS = `
  select relname::text as table, attname::text as column, format_type(atttypid, null) as type
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
   where nspname = $1 and relkind in ('r', 'p') and relname = any($2)`;

/** Columns that a table must have to be copied. */
const NEEDED: Record<LegacyTable, string[]> = {
  User: ['id', 'email', 'password'],
  Chat: ['id', 'createdAt', 'userId'],
  Message: ['id', 'chatId', 'role', 'content', 'createdAt'],
  Message_v2: ['id', 'chatId', 'role', 'parts', 'attachments', 'createdAt'],
  Vote: ['chatId', 'messageId', 'isUpvoted'],
  Vote_v2: ['chatId', 'messageId', 'isUpvoted'],
  Document: ['id', 'createdAt', 'userId', 'title', 'content'],
  Suggestion: [
    'id',
    'documentId',
    'documentCreatedAt',
    'originalText',
    'suggestedText',
    'userId',
    'createdAt',
  ],
  Stream: ['id', 'chatId', 'createdAt'],
};

/** The tables in an old chatbot's database, and their columns. */
export class LegacyTables {
  private constructor(
    readonly schema: string,
    private readonly columns: ReadonlyMap<string, ReadonlyMap<string, string>>,
  ) {}

  /**
   * @returns undefined when there is no old chatbot in the schema
   * @throws Error if a table lacks a column that all versions have
   */ static async read(client: pg.ClientBase, schema: string): Promise<LegacyTables | undefined> {
    const { rows } = await client.query<{ table: string; column: string; type: string }>(COLUMNS, [
      schema,
      LEGACY_TABLES,
    ]);
    const columns = new Map<string, Map<string, string>>();
    for (const { table, column, type } of rows) {
      const known = columns.get(table) ?? new Map<string, string>();
      columns.set(table, known.set(column, type));
    }
    if (!columns.get('User')?.has('email') || !columns.get('Chat')?.has('userId')) return undefined;
    for (const table of columns.keys() as Iterable<LegacyTable>) {
      const missing = NEEDED[table].filter((column) => !columns.get(table)!.has(column));
      if (missing.length > 0) {
        throw new Error(`table "${table}" of schema ${schema} has no column ${missing.join(', ')}`);
      }
      if (columns.get(table)!.get('id') !== 'uuid' && !table.startsWith('Vote')) {
        throw new Error(`column id of table "${table}" of schema ${schema} is not a uuid`);
      }
    }
    return new LegacyTables(schema, columns);
  }

  get names(): LegacyTable[] {
    return LEGACY_TABLES.filter((name) => this.columns.has(name));
  }

  has(table: LegacyTable, column?: string): boolean {
    const columns = this.columns.get(table);
    return columns !== undefined && (column === undefined || columns.has(column));
  }

  /** The table with its schema, quoted. */
  table(name: LegacyTable): string {
    return `"${this.schema.replaceAll('"', '""')}"."${name}"`;
  }

  /** A time as `timestamptz`. The old chatbot stored UTC in columns without a time zone. */
  time(table: LegacyTable, column: string, alias: string): string {
    const type = this.columns.get(table)?.get(column);
    const reference = `${alias}."${column}"`;
    return type === 'timestamp without time zone' ? `(${reference} at time zone 'UTC')` : reference;
  }

  /** The version, as the old chatbot names it. */
  describe(): string {
    if (this.has('User', 'isAnonymous')) return 'the squashed schema of 2026';
    if (this.has('Chat', 'lastContext')) return 'migration 0007';
    if (this.has('Stream')) return 'migration 0006 or 0008';
    if (this.has('Message_v2')) return 'migration 0005';
    if (this.has('Document', 'text')) return 'migration 0004';
    if (this.has('Chat', 'visibility')) return 'migration 0003';
    if (this.has('Message')) return 'migration 0002';
    return this.has('Document') ? 'migration 0001' : 'migration 0000';
  }
}
