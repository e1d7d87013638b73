/**
 * Writes the models that this version offers, with their list prices, as literal data: for the vendors' records and for the
 * migration that seeds them. Nobody types a price. `scripts/catalog/offered-models.json` says which models are offered;
 * `scripts/catalog/price-data.json` has their prices, as genai-prices publishes them.
 *
 *     npm run catalog:generate                                       writes the files again
 *     npm run catalog:generate -- --from data.json --release 0.2.3   takes newer prices first
 *
 * `data.json` is `prices/new_data/v2/data.json` of https://github.com/pydantic/genai-prices (MIT). Prices are those of the day on
 * which they were taken; announced changes come with them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { parsePriceData, pricingFrom } from '../dist/src/modules/admin-config/catalog/price-data.js';
import { RETIREMENTS } from '../dist/src/modules/admin-config/catalog/retirements.js';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { from: { type: 'string' }, release: { type: 'string' } } });

const priceFile = join(root, 'scripts/catalog/price-data.json');
const offered = JSON.parse(readFileSync(join(root, 'scripts/catalog/offered-models.json'), 'utf8'));
if (values.from !== undefined) takePrices(values.from, values.release);
const { takenOn, providers } = JSON.parse(readFileSync(priceFile, 'utf8'));
const prices = parsePriceData(providers);

await write('src/modules/models/vendors/offered-models.ts', vendorsFile());
await write('src/migrations/model-catalog.ts', migrationFile());

/** Keeps of all prices only those of models that are offered, or were. */
function takePrices(path, release) {
  const all = JSON.parse(readFileSync(path, 'utf8'));
  parsePriceData(all);
  const wanted = new Set([
    ...Object.entries(offered).flatMap(([provider, models]) => models.map(({ id }) => `${provider}/${id}`)),
    ...RETIREMENTS.map(({ provider, id }) => `${provider}/${id}`),
  ]);
  const kept = all
    .filter(({ id }) => offered[id])
    .map(({ id, models }) => ({
      id,
      name: id,
      api_pattern: '',
      models: models
        .filter((model) => wanted.has(`${id}/${model.id}`))
        .map((model) => ({ id: model.id, match: { equals: model.id }, prices: model.prices })),
    }));
  const source = `genai-prices${release ? ` ${release}` : ''}, https://github.com/pydantic/genai-prices`;
  const license = 'MIT, Copyright (c) Pydantic Services Inc. 2025 to present';
  const data = { source, license, takenOn: new Date().toISOString().slice(0, 10), providers: kept };
  writeFileSync(priceFile, `${JSON.stringify(data, null, 2)}\n`);
}

function priced(provider, { id, ...model }) {
  const pricing = pricingFrom(prices, provider, id, new Date(takenOn));
  if (!pricing) throw new Error(`${provider}/${id} has no price in scripts/catalog/price-data.json`);
  return { id, ...model, pricing };
}

function vendorsFile() {
  const lists = Object.entries(offered).map(([provider, models]) => {
    const answering = models
      .filter(({ draws }) => !draws)
      .map((model) => priced(provider, { ...model, reasoning: true }));
    const drawing = models.filter(({ draws }) => draws);
    return [
      `export const ${provider.toUpperCase()}_MODELS: readonly OfferedModel[] = ${JSON.stringify(answering)};`,
      ...drawing.map((model) => {
        const { draws: _, ...image } = priced(provider, model);
        return `export const ${provider.toUpperCase()}_IMAGE_MODEL: OfferedImageModel = ${JSON.stringify(image)};`;
      }),
    ].join('\n\n');
  });
  return `import type { OfferedImageModel, OfferedModel } from './vendor.js';

/*
 * The seeded models, with the list prices of ${takenOn}. \`npm run catalog:generate\` writes this file
 * from the price data of genai-prices; do not edit it.
 */

${lists.join('\n\n')}
`;
}

function migrationFile() {
  const catalog = (draws) =>
    Object.entries(offered).flatMap(([provider, models]) =>
      models
        .filter((model) => Boolean(model.draws) === draws)
        .map((model) => {
          const { id, name, contextWindow, maxOutputTokens, pricing } = priced(provider, model);
          const capabilities = {
            reasoning: !draws,
            fileInput: true,
            tools: !draws,
            imageOutput: draws,
          };
          return { id, provider, name, contextWindow, maxOutputTokens, capabilities, pricing };
        }),
    );
  const models = [...catalog(false), ...catalog(true)];
  return `/*
 * The model catalog as it was in the baseline, with the list prices of ${takenOn}. \`npm run catalog:generate\` writes this file
 * from the price data of genai-prices until the baseline is released; then it stays, and newer catalogs come with later migrations.
 */
export const MODEL_CATALOG = ${JSON.stringify(models)};
`;
}

async function write(path, content) {
  const file = join(root, path);
  writeFileSync(file, await format(content, { ...(await resolveConfig(file)), filepath: file }));
}
