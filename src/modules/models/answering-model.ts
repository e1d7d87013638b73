import type { CatalogModel } from '../admin-config/catalog-schema.js';
import type { Provider } from './vendors/vendors.js';

/** Suffixes that vendors add to the id of a model for one of its versions: `-2025-11-13`, `-20251113`, `@20251113`, `-001`. */
const SNAPSHOT = /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3})$/;

/**
 * The catalog entry of the model that has answered, as reported by the vendor: the entry with that id, or else the
 * entry of the model that it is a version of. Vendors route retired names to other models, and bill those.
 */
export function entryOfAnswer(
  provider: Provider,
  answeredBy: string,
  catalog: ReadonlyMap<string, CatalogModel>,
): CatalogModel | undefined {
  const name = answeredBy.replace(/^models\//, '');
  return catalog.get(`${provider}/${name}`) ?? catalog.get(`${provider}/${name.replace(SNAPSHOT, '')}`);
}
