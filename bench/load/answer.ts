import type { IncomingMessage } from 'node:http';

/** A message that the double answers with this many tokens. Each token is the time when it was sent. */
export function stampedTokens(tokens: number, delayMs = 0): string {
  return `Tell me something. [[double ${JSON.stringify({ tokens, delayMs, stamps: true })}]]`;
}

const STAMP = /t(\d{13}\.\d{3});/g;
/** One less than the length of a stamp: at most this much of a stamp can be at the end of a piece. */
const STAMP_REST = 18;

/** Finds stamps in the pieces of an answer, in any format. */
export class StampReader {
  private rest = '';

  /** The stamps that are complete with this piece. */
  read(piece: Buffer): number[] {
    const text = this.rest + piece.toString('latin1');
    const stamps: number[] = [];
    let end = 0;
    STAMP.lastIndex = 0;
    for (let match = STAMP.exec(text); match; match = STAMP.exec(text)) {
      stamps.push(Number(match[1]));
      end = STAMP.lastIndex;
    }
    this.rest = text.slice(Math.max(end, text.length - STAMP_REST));
    return stamps;
  }
}

/** Reads an answer to its end. @throws Error if the end is not a proper one */
export function readToEnd(response: IncomingMessage, onPiece?: (piece: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let previous: Buffer = Buffer.alloc(0);
    let last: Buffer = Buffer.alloc(0);
    response.on('data', (piece: Buffer) => {
      previous = last;
      last = piece;
      onPiece?.(piece);
    });
    response.once('error', reject);
    response.once('end', () => {
      const ending = Buffer.concat([previous, last]).toString('utf8');
      if (isComplete(ending)) resolve();
      else reject(new Error(`an answer was not complete; it ended with ${ending.slice(-300)}`));
    });
  });
}

/** Switchboard ends with `finish` and `[DONE]`. A stream that is passed through ends as Gemini does. */
function isComplete(ending: string): boolean {
  return ending.includes('"finishReason":"STOP"')
    ? true
    : ending.includes('"type":"finish"') && ending.trimEnd().endsWith('data: [DONE]');
}
