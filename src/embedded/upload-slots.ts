const TOTAL = 16;
const PER_USER = 4;

/** Limits concurrent uploads: each one uses a connection and a partial file. */
export class UploadSlots {
  private readonly byUser = new Map<string, number>();
  private total = 0;

  /** The function that releases the slot, or undefined if none is free. */
  take(user: string): (() => void) | undefined {
    const own = this.byUser.get(user) ?? 0;
    if (this.total >= TOTAL || own >= PER_USER) return undefined;
    this.total += 1;
    this.byUser.set(user, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.total -= 1;
      const left = (this.byUser.get(user) ?? 1) - 1;
      if (left === 0) this.byUser.delete(user);
      else this.byUser.set(user, left);
    };
  }
}
