/**
 * Maximum depth and size of a value from a model or a tool server. The database accepts 128 levels and 32 MB for a
 * whole message, and a single value must not make a write fail.
 */
const MAX_DEPTH = 48;
const MAX_CHARACTERS = 1024 ** 2;
const MAX_ITEMS = 50_000;

const TOO_DEEP = '[omitted: nested too deeply]';
const TOO_LARGE = '[omitted: too large]';

interface Budget {
  characters: number;
  items: number;
}

/**
 * Returns the value as it may be stored and sent. Content that is too deep or too large is replaced by a note. A value
 * within bounds is returned unchanged. The function never descends deeper than it keeps, so deep input cannot overflow
 * the stack.
 */
export function bounded(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' && value.length > MAX_CHARACTERS ? cut(value, MAX_CHARACTERS) : value;
  }
  return isWithin(value) ? value : copy(value, 1, { characters: MAX_CHARACTERS, items: MAX_ITEMS });
}

function isWithin(root: object): boolean {
  const pending: Array<[value: object, depth: number]> = [[root, 1]];
  let characters = 0;
  let items = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [value, depth] = next;
    if (depth > MAX_DEPTH) return false;
    for (const [key, member] of Object.entries(value)) {
      characters += key.length + (typeof member === 'string' ? member.length : 8);
      if (++items > MAX_ITEMS || characters > MAX_CHARACTERS) return false;
      if (typeof member === 'object' && member !== null) pending.push([member as object, depth + 1]);
    }
  }
  return true;
}

function copy(value: unknown, depth: number, left: Budget): unknown {
  if (typeof value === 'string') {
    const kept = value.length <= left.characters ? value : cut(value, Math.max(0, left.characters));
    left.characters -= value.length;
    return kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return TOO_DEEP;
  const isFull = () => --left.items < 0 || left.characters <= 0;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value as unknown[]) {
      if (isFull()) return [...items, TOO_LARGE];
      items.push(copy(item, depth + 1, left));
    }
    return items;
  }
  const entries: Array<[string, unknown]> = [];
  for (const [key, member] of Object.entries(value)) {
    if (isFull() || key.length > left.characters) return Object.fromEntries([...entries, ['…', TOO_LARGE]]);
    left.characters -= key.length;
    entries.push([key, copy(member, depth + 1, left)]);
  }
  return Object.fromEntries(entries);
}

function cut(text: string, length: number): string {
  return `${text.slice(0, length).toWellFormed()}… ${TOO_LARGE}`;
}
