import { arch, availableParallelism, platform, totalmem } from 'node:os';
import { type Aim, CONTENDERS, type Contender, type Figure, OTHER } from './figures.js';

const HEADINGS = ['measured', ...CONTENDERS, 'aim'];

/** Facts about the whole run. */
export interface RunFacts {
  postgresVersion: string;
  rounds: number;
  /** The highest share of the processors that other programs used between the measurements. */
  noise: string;
}

/** The table as text, with aligned columns. */
export function toText(figures: readonly Figure[]): string {
  return inColumns([HEADINGS, ...figures.map(cellsOf)]);
}

/**
 * The table of two revisions. The ratio is the median of the rounds' own ratios: this revision divided by the other.
 */
export function toComparison(figures: readonly Figure[], other: string): string {
  const withUnit = (value: number | undefined, unit: string) =>
    value === undefined ? '–' : `${round(value)} ${unit}`.trimEnd();
  return inColumns([
    ['measured', 'this', other, 'ratio'],
    ...figures.map((figure) => [
      figure.label,
      withUnit(figure.value('Switchboard'), figure.unit),
      withUnit(figure.value(OTHER), figure.unit),
      figure.ratio(OTHER)?.toFixed(2) ?? '–',
    ]),
  ]);
}

function inColumns(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n');
}

/** The page that is committed. */
export function toMarkdown(figures: readonly Figure[], facts: RunFacts): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const aims = aimsOf(figures);
  const held = aims.filter(({ holds }) => holds);
  const rounds = facts.rounds === 1 ? 'of one round' : `the median of ${facts.rounds} rounds`;
  return `# Results

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}. ${availableParallelism()} cores for everything (server, PostgreSQL, provider double, load
generator), ${Math.round(totalmem() / 1024 ** 3)} GB, ${platform()} ${arch()}, Node.js ${process.versions.node}, PostgreSQL ${facts.postgresVersion} with fsync. Between the measurements, other programs
used at most ${facts.noise} of the processors.

Each figure is ${rounds}, in which the servers take turns. The number in parentheses is Switchboard's figure divided
by the reference's: the median of the rounds' own ratios. How it is measured: [README.md](README.md).

${row(HEADINGS)}
${row(HEADINGS.map((_, column) => (column === 0 || column === HEADINGS.length - 1 ? '---' : '---:')))}
${figures.map((figure) => row(cellsOf(figure))).join('\n')}

## Aims

${held.length} of ${aims.length} are met.

${aims.map(({ holds, text }) => `- ${holds ? 'met' : '**not met**'}: ${text}`).join('\n')}
`;
}

function cellsOf(figure: Figure): string[] {
  return [figure.label, ...CONTENDERS.map((contender) => cellOf(figure, contender)), aimCell(figure)];
}

function cellOf(figure: Figure, contender: Contender): string {
  const value = figure.value(contender);
  if (value === undefined) return '–';
  const text = `${round(value)} ${figure.unit}`.trimEnd();
  const ratio = contender === 'Switchboard' ? undefined : figure.ratio(contender);
  return ratio === undefined ? text : `${text} (×${ratio.toFixed(2)})`;
}

function aimCell(figure: Figure): string {
  if (figure.value('Switchboard') === undefined) return '–';
  return figure.aims.map((aim) => `${aim.text}: ${aim.holds(figure) ? 'yes' : 'NO'}`).join('; ') || '–';
}

function aimsOf(figures: readonly Figure[]): Array<{ text: string; holds: boolean }> {
  return figures
    .filter((figure) => figure.value('Switchboard') !== undefined)
    .flatMap((figure) =>
      figure.aims.map((aim: Aim) => ({ text: `${figure.label}: ${aim.text}`, holds: aim.holds(figure) })),
    );
}

function round(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
