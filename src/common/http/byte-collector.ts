const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY = 16 * 1024;

/**
 * Copies chunks into one buffer as soon as there are several. Otherwise a client could choose their size: a megabyte in
 * chunks of one byte would take a hundred megabytes of memory.
 */
export class ByteCollector {
  length = 0;
  private bytes: Buffer = NOTHING;

  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (this.length === 0) this.bytes = chunk;
    else {
      if (this.bytes.length < length) {
        const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * this.length, length));
        this.bytes.copy(larger, 0, 0, this.length);
        this.bytes = larger;
      }
      chunk.copy(this.bytes, this.length);
    }
    this.length = length;
  }

  get collected(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}
