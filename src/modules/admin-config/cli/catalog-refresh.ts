import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { connect } from '../../../common/database/cli/connect.js';
import { runCommand } from '../../../common/database/cli/run-command.js';
import { type CatalogChange, refreshCatalog } from '../catalog/catalog-refresh.js';
import { CatalogUpkeepRepository } from '../catalog/catalog-upkeep.repository.js';
import { type PriceData, parsePriceData } from '../catalog/price-data.js';
import { parseConfigData } from '../config-validation.js';
import { toRuntimeConfig } from '../runtime-config.js';

const USAGE =
  'usage: npm run catalog:refresh -- [--dry-run] [--from <price data of genai-prices: a file or an https address>]';
const MAX_BYTES = 32 * 1024 ** 2;

/** Brings list prices, new models and retirements into the catalog of a database. */
await runCommand(async (url) => {
  const { dryRun, from } = readOptions(process.argv.slice(2));
  const prices = from === undefined ? undefined : await readPrices(from);
  const client = await connect(url, 'switchboard-catalog');
  try {
    const repository = new CatalogUpkeepRepository(client);
    const rows = await repository.beginAndRead();
    const row = rows.find(({ configKey }) => configKey === 'model_catalog');
    if (!row) throw new Error('there is no model_catalog; roll it back to an earlier version first');
    const config = toRuntimeConfig(rows, () => undefined);
    const catalog = parseConfigData('model_catalog', row.configData);
    const refreshed = refreshCatalog({ catalog, config }, { prices });
    const lines = refreshed.changes.map(inWords);
    if (lines.length === 0) return { lines: [`model_catalog (version ${row.version}) is up to date.`] };
    if (dryRun) return { lines: [...lines, `${lines.length} changes would be made; nothing was changed.`] };
    const version = await repository.writeCatalog(refreshed.catalog);
    await repository.end('commit');
    return { lines: [...lines, `${lines.length} changes are made: model_catalog is at version ${version}.`] };
  } finally {
    // A transaction that was not committed ends with its connection.
    await client.end().catch(() => undefined);
  }
});

function readOptions(argv: string[]): { dryRun: boolean; from?: string } {
  const options = { from: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } } as const;
  try {
    const { values } = parseArgs({ args: argv, options });
    return { dryRun: values['dry-run'], from: values.from };
  } catch {
    throw new Error(USAGE);
  }
}

/** @throws Error when it cannot be read, or is no price data */
async function readPrices(from: string): Promise<PriceData> {
  const text = from.startsWith('https://') ? await download(from) : await readFile(from, 'utf8');
  return parsePriceData(JSON.parse(text));
}

async function download(address: string): Promise<string> {
  const response = await fetch(address, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${address} answered with status ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_BYTES) throw new Error(`${address} is larger than ${MAX_BYTES} bytes`);
  return text;
}

function inWords({ model, change, before, after, retiresAt, replacement, usedBy }: CatalogChange): string {
  const users = usedBy.length > 0 ? ` (used by ${usedBy.join(', ')})` : '';
  if (change === 'added') return `+ ${model}: ${JSON.stringify(after)}`;
  if (change === 'price') return `~ ${model}${users}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
  return `! ${model}${users}: switched off on ${retiresAt}${replacement ? `; use ${replacement}` : ''}`;
}
