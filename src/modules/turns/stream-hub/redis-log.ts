import type { UIMessageChunk } from 'ai';

/**
 * The channel on which an instance asks the one that writes an answer for its log. The payload is a {@link LogRequest}.
 */
export const FOLLOW_CHANNEL = 'switchboard_follow';

/** The request of an instance that wants to follow an answer. */
export interface LogRequest {
  streamId: string;
  /** The Redis Stream that the answer is to be written to. It exists as long as it is wanted. */
  key: string;
}

/** An entry of a log: what was published within a few milliseconds. */
export interface LogEntry {
  /** Counts from 0, so a reader notices a gap. */
  sequence: number;
  chunks: UIMessageChunk[];
  /** `more`: there are already more. `live`: this is everything so far. `ended`: nothing follows. */
  state: 'more' | 'live' | 'ended';
}

const FIELD = 'entry';

/**
 * The name of a log begins with the id of the stream, which belongs to one instance only. Each log has a name of its own, so
 * nothing that arrives late gets into the log of another reader.
 */
export function logKey(streamId: string, name: string): string {
  return `switchboard:stream:${streamId}:${name}`;
}

export function toFields(entry: LogEntry): Record<string, string> {
  return { [FIELD]: JSON.stringify(entry) };
}

/** Undefined for the field that only creates the log. */
export function fromFields(fields: Readonly<Record<string, string>>): LogEntry | undefined {
  const json = fields[FIELD];
  return json === undefined ? undefined : (JSON.parse(json) as LogEntry);
}
