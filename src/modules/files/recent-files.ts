/** The size limit of all files together, in bytes. */
const MAX_BYTES = 64 * 1024 ** 2;

interface RecentFile {
  bytes: Uint8Array;
  /** The version in storage. It is undefined right after this server has written the file. */
  version?: string;
}

/** Caches the files that were read or written last, so that a conversation reads its pictures from storage once. */
export class RecentFiles {
  private readonly files = new Map<string, RecentFile>();
  private size = 0;

  /** @param version in storage now; a cached file of another version is not returned */
  get(path: string, version: string): Uint8Array | undefined {
    const file = this.files.get(path);
    if (!file || (file.version !== undefined && file.version !== version)) return undefined;
    this.files.delete(path);
    this.files.set(path, { ...file, version });
    return file.bytes;
  }

  set(path: string, bytes: Uint8Array, version?: string): void {
    this.delete(path);
    if (bytes.length > MAX_BYTES / 2) return;
    this.files.set(path, { bytes, version });
    this.size += bytes.length;
    for (const oldest of this.files.keys()) {
      if (this.size <= MAX_BYTES) return;
      this.delete(oldest);
    }
  }

  private delete(path: string): void {
    this.size -= this.files.get(path)?.bytes.length ?? 0;
    this.files.delete(path);
  }
}
