const MAX_LENGTH = 80;
/** Titles are only searched for at the beginning of an answer. */
const MAX_READ = 4_000;

const THOUGHTS = /^<(think|thinking|thought|reasoning)>/i;
const LABEL =
  /^(?:(?:chat|suggested|short) )?(?:title|titel|titre|título|titolo|заголовок|标题|標題|タイトル|제목)\s*[:：]\s*/i;
/** Markdown marks at the start of a line. */
const LINE_MARK = /^(?:#{1,6}|>|[-*•])\s+/;
/** A line of marks only. */
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

/** Extracts the title from the answer of a model that was asked for one. Empty if there is none. */
export function titleIn(answer: string): string {
  const beginning = withoutThoughts(answer).slice(0, MAX_READ);
  const lines = (titleOfJson(beginning) ?? beginning)
    .split('\n')
    .filter((line) => !/^\s*(?:```|~~~)/.test(line));
  for (const line of lines) {
    const title = undressed(oneLine(line));
    if (title !== '') return shortened(title);
  }
  return '';
}

/** The title of a chat that no model has named: the first words of its first message. */
export function firstWords(message: string): string {
  return shortened(oneLine(message.slice(0, MAX_READ)));
}

/** Removes reasoning at the beginning. Reasoning without an end leaves nothing. */
function withoutThoughts(answer: string): string {
  const text = answer.trimStart();
  const [opening, name] = THOUGHTS.exec(text) ?? [];
  // Some servers leave out the opening tag.
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

/** Removes Markdown marks, a label and quotation marks around the whole title. */
function undressed(line: string): string {
  let title = line;
  for (let before = ''; before !== title;) {
    before = title;
    title = withoutPair(title.replace(LINE_MARK, '').replace(LABEL, '').trim());
    // Only the label may be marked: `**Title:** Cooking pasta`.
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
    // `"Hello" vs "World"` starts with one pair and ends with another one.
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
