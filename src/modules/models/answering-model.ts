import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Provider } from './vendors/vendors.js';

/** What vendors hang on the id of a model for one of its versions: `-2025-11-13`, `-20251113`, `@20251113`, `-001`. */
const SNAPSHOT = /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3})$/;

/**
 * The entry of the catalog for the model that a vendor says has answered: of that id, else of the model that it is a version
 * of. Vendors route names that they have retired to other models, and bill those.
 */
export function entryOfAnswer(
  provider: Provider,
  answeredBy: string,
  catalog: ReadonlyMap<string, CatalogModel>,
): CatalogModel | undefined {
  const name = answeredBy.replace(/^models\//, '');
  return catalog.get(`${provider}/${name}`) ?? catalog.get(`${provider}/${name.replace(SNAPSHOT, '')}`);
}
