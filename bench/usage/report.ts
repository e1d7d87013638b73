import { arch, availableParallelism, platform, totalmem } from 'node:os';
import type { Result, Section } from './results.js';
import { atScale, type ScaleFacts } from './scale.js';

/** Facts about the whole run. */
export interface UsageRunFacts extends ScaleFacts {
  users: number;
  days: number;
  postgresVersion: string;
  /** The highest share of the processors that other programs used between the measurements. */
  noise: string;
}

/** The tables as text, with aligned columns. */
export function toText(sections: readonly Section[], { noise }: UsageRunFacts): string {
  const tables = sections.map((section) => {
    const lines = linesOf(section);
    const widths = lines[0]?.map((_, column) =>
      Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
    );
    return lines
      .map((cells) => cells.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join('  '))
      .join('\n');
  });
  return [...tables, `Between the measurements, other programs used up to ${noise} of the processors.`].join(
    '\n\n',
  );
}

/** The page that is committed. */
export function toMarkdown(sections: readonly Section[], facts: UsageRunFacts): string {
  const { rows, users, days, postgresVersion, noise } = facts;
  const aims = sections.flatMap(({ results }) => results.flatMap(aimsOf));
  return `# Usage at size

Written by \`npm run bench:usage\` on ${new Date().toISOString().slice(0, 10)}: ${rows.toLocaleString('en-US')} calls of ${users.toLocaleString('en-US')} users in ${days} days.
${availableParallelism()} cores for PostgreSQL and the harness, ${Math.round(totalmem() / 1024 ** 3)} GB, ${platform()} ${arch()}, PostgreSQL ${postgresVersion} with fsync and 256 MB of shared
buffers. Between the measurements, other programs used at most ${noise} of the processors. How it is measured:
[README.md](README.md).

${sections.map(toSection).join('\n\n')}

## Aims

${aims.filter(({ holds }) => holds).length} of ${aims.length} are met.

${aims.map(({ text, holds }) => `- ${holds ? 'met' : '**not met**'}: ${text}`).join('\n')}

${atScale(facts)}`;
}

function toSection(section: Section): string {
  const note = section.note === undefined ? '' : `${section.note}\n\n`;
  return `## ${section.title}\n\n${note}${tableOf(section)}`;
}

/** The headings, then the results. */
function linesOf({ headings, results }: Section): string[][] {
  if (!results.some(({ aims }) => aims)) return [headings, ...results.map(({ cells }) => cells)];
  const aimCell = (result: Result) =>
    result.aims?.map(({ text, holds }) => `${text}: ${holds ? 'yes' : 'NO'}`).join('; ') ?? '–';
  return [[...headings, 'aim'], ...results.map((result) => [...result.cells, aimCell(result)])];
}

function tableOf(section: Section): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const [headings = [], ...lines] = linesOf(section);
  const rule = headings.map((_, column) => (column > 0 && column < section.headings.length ? '---:' : '---'));
  return [headings, rule, ...lines].map(row).join('\n');
}

function aimsOf({ cells, aims = [] }: Result): Array<{ text: string; holds: boolean }> {
  return aims.map(({ text, holds }) => ({ text: `${cells[0]}: ${text}`, holds }));
}
