import type { Keyset, OwnedPage } from '../../common/http/paging.js';

/** Items that are read as one list, and that belong to one owner after the other. */
export class OwnedItems<T> {
  private next?: IteratorResult<T>;
  private readonly items: AsyncIterator<T>;

  constructor(
    items: AsyncIterable<T>,
    private readonly ownerOf: (item: T) => string,
  ) {
    this.items = items[Symbol.asyncIterator]();
  }

  /** The items of one owner. Owners must be requested in the order of the list, and read to the end. */
  async *of(owner: string): AsyncGenerator<T> {
    this.next ??= await this.items.next();
    while (!this.next.done && this.ownerOf(this.next.value) === owner) {
      yield this.next.value;
      this.next = await this.items.next();
    }
  }
}

/** All items of several owners, in order, one page at a time. */
export async function* allPages<T>(
  owners: string[],
  read: (owners: string[], after?: Keyset) => Promise<OwnedPage<T>>,
): AsyncGenerator<T> {
  let left = owners;
  let after: Keyset | undefined;
  while (left.length > 0) {
    const { items, last } = await read(left, after);
    if (!last) return;
    yield* items;
    left = left.slice(left.indexOf(last.owner));
    after = last.at;
  }
}

/** All items of a list, page by page, until there are no more. */
export async function* allAfter<T, Place>(
  read: (after: Place | undefined) => Promise<{ items: T[]; last?: Place }>,
): AsyncGenerator<T[]> {
  let after: Place | undefined;
  for (;;) {
    const { items, last } = await read(after);
    if (last === undefined) return;
    yield items;
    after = last;
  }
}
