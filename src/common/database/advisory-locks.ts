/**
 * All numbers of Switchboard's advisory locks. Two purposes with the same number would wait for each other without a
 * reason, so each number appears here only once. Functions in migrations repeat their numbers literally, because a
 * migration must not change when this file changes.
 */
export const ADVISORY_LOCKS = {
  /** First key of the locks that mark an instance as alive. The second key is the instance's number. */
  instance: 1_398_228_803,
  /** First key of the locks that guard summaries of chats. The second key is a part of the hash of the chat. */
  summaries: 1_398_228_804,
  /** Held by the process that runs the PostgreSQL of an embedded stack. */
  embeddedStack: 5_140_021_773,
  /** Held during migrations. */
  migration: 7_264_118_307,
  /** Held while users are changed: a condition that was checked must still be true when the change is written. */
  users: 7_264_118_308,
  /** Held while the configuration is changed. */
  configuration: 7_264_118_309,
  /** Held while the usage rollups are written. */
  usageRollups: 7_264_118_310,
  /** Held while usage is purged. */
  usagePurge: 7_264_118_311,
  /** Held while old rate limit windows are deleted. */
  windowSweep: 7_264_118_312,
  /** Held while the database of an old chatbot is being upgraded. */
  legacyUpgrade: 7_264_118_330,
  /** Seed of the hash of a user and an agent. Their admissions run one after the other. */
  admission: 7_264_118_313,
  /** Held while the orphaned files are looked for. */
  fileSweep: 7_264_118_315,
  /** Seed of the hash of a document. Its writers run one after the other. */
  document: 4711,
} as const;
