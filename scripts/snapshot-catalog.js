/**
 * Writes what `db:verify` expects: the catalog of a freshly migrated database, on a PostgreSQL that is started as for
 * the tests. Run it after adding a migration. A test fails if the file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { withCatalog } from '../dist/src/common/database/verify/catalog.js';
import { takeSnapshot } from '../dist/src/common/database/verify/snapshot.js';
import startPostgres, { TEMPLATE } from '../test/support/global-setup.js';
import stopPostgres from '../test/support/global-teardown.js';

const path = 'src/common/database/verify/catalog-snapshot.json';

await startPostgres();
try {
  const url = new URL(process.env.TEST_DATABASE_URL);
  url.pathname = `/${TEMPLATE}`;
  const snapshot = await withCatalog(url.href, takeSnapshot);
  const options = { ...(await resolveConfig(path)), parser: 'json' };
  const text = await format(JSON.stringify(snapshot), options);
  const isNew = readFileSync(path, 'utf8') !== text;
  if (isNew) writeFileSync(path, text);
  console.log(isNew ? `Wrote ${path}.` : `${path} is up to date.`);
} finally {
  await stopPostgres();
}
