const MAX_LENGTH = 80;
/** A title is at the beginning of what a model says, or nowhere. */
const MAX_READ = 4_000;

const THOUGHTS = /^<(think|thinking|thought|reasoning)>/i;
const LABEL =
  /^(?:(?:chat|suggested|short) )?(?:title|titel|titre|título|titolo|заголовок|标题|標題|タイトル|제목)\s*[:：]\s*/i;
/** What a line of Markdown begins with. */
const LINE_MARK = /^(?:#{1,6}|>|[-*•])\s+/;
/** Marks without anything between them. */
const NO_WORDS = /^["'“”„‘’«»「」『』《》*_`#>~:：.…\s-]*$/;
const PAIRS: ReadonlyArray<readonly [string, string]> = [
  ['**', '**'],
  ['__', '__'],
  ['*', '*'],
  ['_', '_'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['„', '“'],
  ['‘', '’'],
  ['«', '»'],
  ['»', '«'],
  ['「', '」'],
  ['『', '』'],
  ['《', '》'],
];

/** The title in the answer of a model that was asked for one, however it put it; empty when there is none. */
export function titleIn(answer: string): string {
  const said = withoutThoughts(answer).slice(0, MAX_READ);
  const lines = (titleOfJson(said) ?? said).split('\n').filter((line) => !/^\s*(?:```|~~~)/.test(line));
  for (const line of lines) {
    const title = undressed(oneLine(line));
    if (title !== '') return shortened(title);
  }
  return '';
}

/** What a chat is called when no model has named it: the first words of its first message. */
export function firstWords(message: string): string {
  return shortened(oneLine(message.slice(0, MAX_READ)));
}

/** Models that think aloud do so first. Thoughts without an end leave nothing. */
function withoutThoughts(answer: string): string {
  const text = answer.trimStart();
  const [opening, name] = THOUGHTS.exec(text) ?? [];
  // Some servers leave the opening out.
  const closing = name === undefined ? '</think>' : `</${name}>`;
  const end = text.toLowerCase().indexOf(closing.toLowerCase(), opening?.length ?? 0);
  if (end >= 0) return text.slice(end + closing.length);
  return opening === undefined ? text : '';
}

function titleOfJson(text: string): string | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  try {
    const { title } = JSON.parse(text.slice(start, text.lastIndexOf('}') + 1)) as { title?: unknown };
    return typeof title === 'string' ? title : undefined;
  } catch {
    return undefined;
  }
}

/** Without what only says that it is a title: marks, a label, quotation marks that are around all of it. */
function undressed(line: string): string {
  let title = line;
  for (let before = ''; before !== title;) {
    before = title;
    title = withoutPair(title.replace(LINE_MARK, '').replace(LABEL, '').trim());
    // A label may be marked by itself: `**Title:** Cooking pasta`.
    const marked =
      /^(\*\*|__)([^*_]{1,40}[:：])\1\s*(.*)$/.exec(title) ??
      /^(\*\*|__)([^*_]{1,40})\1\s*([:：].*)$/.exec(title);
    if (marked && LABEL.test(`${marked[2]}${marked[3]}`)) title = `${marked[2]} ${marked[3]}`;
  }
  return NO_WORDS.test(title) ? '' : title;
}

function withoutPair(title: string): string {
  for (const [opening, closing] of PAIRS) {
    if (title.length < opening.length + closing.length || !title.startsWith(opening)) continue;
    const inner = title.slice(opening.length, -closing.length);
    // `"Hello" vs "World"` begins with one pair and ends with another.
    if (title.endsWith(closing) && !inner.includes(opening) && !inner.includes(closing)) return inner.trim();
    const isAlone = opening === closing && opening !== "'" && !title.slice(opening.length).includes(opening);
    if (isAlone) return title.slice(opening.length).trim();
  }
  return title;
}

function oneLine(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed().replace(/\s+/g, ' ').trim();
}

function shortened(title: string): string {
  const characters = Array.from(title);
  if (characters.length <= MAX_LENGTH) return title;
  return `${characters.slice(0, MAX_LENGTH - 1).join('')}…`;
}
