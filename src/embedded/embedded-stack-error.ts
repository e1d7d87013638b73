/** The embedded stack can't start; the message is one line for whoever started it. */
export class EmbeddedStackError extends Error {
  override name = 'EmbeddedStackError';
}
