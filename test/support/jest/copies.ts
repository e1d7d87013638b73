import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = pathToFileURL(join(import.meta.dirname, '../../..')).href;

/**
 * Loads modules of a second copy of the application, in which a module is replaced by another one. `module-hooks.js`
 * loads what they import from the same copy. All paths start at the root of the project.
 */
export function copyReplacing(
  replaced: string,
  replacement: string,
): <Module>(path: string) => Promise<Module> {
  const copy = new URLSearchParams({ replaced, replacement }).toString();
  return <Module>(path: string) =>
    import(`${root}/${path.replace(/^src\//, 'dist/src/')}?${copy}`) as Promise<Module>;
}
