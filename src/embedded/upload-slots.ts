const TOTAL = 16;
const PER_USER = 4;

/** Uploads that are under way: each holds a connection and a half-written file. */
export class UploadSlots {
  private readonly byUser = new Map<string, number>();
  private total = 0;

  /** The function that gives the place back; undefined when there is none. */
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
