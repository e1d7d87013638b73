import type pg from 'pg';
import type { LegacyTables } from './legacy-tables.repository.js';

/** The locations of everything that the upgrade reads and writes. */
export interface Context {
  readonly client: pg.ClientBase;
  /** The old chatbot's tables, and their schema. */
  readonly legacy: LegacyTables;
  /** The schema of Switchboard's tables. Undefined in a dry run, which writes nothing but temporary tables. */
  readonly target: string | undefined;
  /** The schema of the tables that list what to copy and what has been copied. */
  readonly work: string;
  /** The table of decisions, with its schema. */
  readonly report: string;
  /** Whether a transaction is already open. If so, each batch is a savepoint of it. */
  readonly nested?: boolean;
}

export const SCHEMAS = {
  /** Switchboard's tables, until they move to `public`. */
  next: 'switchboard_next',
  /** The old tables, after they have moved out of `public`. */
  old: 'switchboard_old',
  work: 'switchboard_legacy',
} as const;

export const REPORT = 'switchboard.legacy_report';
export const COUNTS = 'switchboard.legacy_counts';

/** The result for an old row. */
export type Decision = 'changed' | 'set aside' | 'folded';
