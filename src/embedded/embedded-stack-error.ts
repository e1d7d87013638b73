/** The embedded stack cannot start. The message is one line for the operator. */
export class EmbeddedStackError extends Error {
  override name = 'EmbeddedStackError';
}
