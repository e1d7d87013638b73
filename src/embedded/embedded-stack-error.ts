/** The embedded stack cannot start, or cannot go on. The message is one line for the operator. */
export class EmbeddedStackError extends Error {
  override name = 'EmbeddedStackError';
}

/** Errors of the system and of PostgreSQL that have their cause in the folder or its disk. */
const CAUSES: Partial<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'it is not a folder',
  EEXIST: 'it is not a folder',
  EIO: 'the disk has failed',
  // PostgreSQL could not write a file.
  '53100': 'the disk is full',
  '58030': 'the disk has failed',
};

/** The error for the operator, if the data folder is its cause. Any other error is returned unchanged. */
export function ofDataFolder(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error) || error instanceof EmbeddedStackError) return error;
  const code = [error, error.cause].map((each) => (each as { code?: string } | undefined)?.code ?? '');
  const cause = code.map((each) => CAUSES[each]).find((known) => known !== undefined);
  if (cause === undefined) return error;
  return new EmbeddedStackError(
    `DATA_DIR ${dataDir} cannot be used: ${cause} (${error.message.split('\n')[0]})`,
  );
}
