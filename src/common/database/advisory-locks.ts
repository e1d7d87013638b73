/**
 * Every number that an advisory lock of Switchboard is made of. Two purposes with one number would wait for each other
 * without a reason, so no number stands here twice. Functions in migrations repeat theirs literally: a migration must not
 * change when this file does.
 */
export const ADVISORY_LOCKS = {
  /** First key of the locks that say "this instance is alive"; the second is the instance's number. */
  instance: 1_398_228_803,
  /** Held by the process that runs the PostgreSQL of an embedded stack. */
  embeddedStack: 5_140_021_773,
  /** Held while migrating. */
  migration: 7_264_118_307,
  /** Held while users are changed: what is checked must still be true when it is written. */
  users: 7_264_118_308,
  /** Held while the configuration is changed. */
  configuration: 7_264_118_309,
  /** Held while the usage rollups are written. */
  usageRollups: 7_264_118_310,
  /** Held while usage is purged. */
  usagePurge: 7_264_118_311,
  /** Held while old rate limit windows are cleared away. */
  windowSweep: 7_264_118_312,
  /** Seed of the hash of a user and an agent, whose admissions come one after the other. */
  admission: 7_264_118_313,
  /** Held while files are looked for that nobody needs. */
  fileSweep: 7_264_118_315,
  /** Seed of the hash of a document, whose writers come one after the other. */
  document: 4711,
} as const;
