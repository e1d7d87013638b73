import { parseArgs } from 'node:util';
import { connect } from '../../common/database/cli/connect.js';
import { runCommand } from '../../common/database/cli/run-command.js';
import type { Result } from '../upgrade.js';
import { apply, dryRun, finish, undo } from '../upgrade.js';
import type { Progress } from '../steps.js';

const USAGE =
  'usage: npm run db:upgrade-legacy -- [--apply | --finish | --undo] [--schema <schema of the old tables>]';
const PROGRESS_INTERVAL = 2_000;

/** Converts the database of the old Vercel chatbot to Switchboard's. Without a flag, it only reports what it would do. */
await runCommand(async (url) => {
  const { mode, schema } = readOptions(process.argv.slice(2));
  const client = await connect(url, 'switchboard-upgrade-legacy');
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isInterrupted = true));
  const options = { schema, tell: progressTeller(), isInterrupted: () => isInterrupted };
  try {
    switch (mode) {
      case 'apply':
        return {
          lines: [
            ...describe(await apply(client, url, options)),
            'Switchboard can use the database now. The old tables are kept until you run this with --finish.',
          ],
        };
      case 'finish': {
        const dropped = await finish(client);
        return { lines: [`Dropped ${dropped.map((name) => `"${name}"`).join(', ')}. The report stays.`] };
      }
      case 'undo':
        await undo(client);
        return {
          lines: ["The old tables have their place back. Switchboard's wait in schema switchboard_next."],
        };
      default:
        return {
          lines: [
            ...describe(await dryRun(client, options)),
            'Nothing has been changed. Run this with --apply to do it.',
          ],
        };
    }
  } finally {
    await client.end().catch(() => undefined);
  }
});

function readOptions(argv: string[]): { mode: 'dry-run' | 'apply' | 'finish' | 'undo'; schema: string } {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        apply: { type: 'boolean' },
        finish: { type: 'boolean' },
        undo: { type: 'boolean' },
        schema: { type: 'string', default: 'public' },
      },
    });
    const modes = (['apply', 'finish', 'undo'] as const).filter((mode) => values[mode]);
    if (modes.length > 1) throw new Error(USAGE);
    return { mode: modes[0] ?? 'dry-run', schema: values.schema };
  } catch {
    throw new Error(USAGE);
  }
}

function progressTeller(): (progress: Progress) => void {
  let toldAt = Date.now();
  return ({ step, done, total }) => {
    if (Date.now() - toldAt < PROGRESS_INTERVAL) return;
    toldAt = Date.now();
    process.stderr.write(`${step}: ${inWords(done)} of ${inWords(total)}\n`);
  };
}

function describe({ version, counts, decisions }: Result): string[] {
  return [
    `The old chatbot: ${version}.`,
    ...counts.map(({ table, before, after, setAside, folded }) => {
      const notes = [
        ...(setAside > 0 ? [`${inWords(setAside)} set aside`] : []),
        ...(folded > 0
          ? [`${inWords(folded)} ${table === 'Stream' ? 'over, not copied' : 'part of other rows now'}`]
          : []),
      ];
      return `  "${table}": ${inWords(before)} rows, ${inWords(after)} copied${notes.map((note) => `, ${note}`).join('')}`;
    }),
    ...(decisions.length === 0
      ? ['No row needed a decision.']
      : ['Decisions (each is in switchboard.legacy_report):']),
    ...decisions.map(
      ({ table, decision, reason, rows, example }) =>
        `  "${table}", ${decision}: ${reason} (${inWords(rows)}, for example ${example})`,
    ),
  ];
}

function inWords(count: number): string {
  return count.toLocaleString('en-US');
}
