/** Node runs TypeScript directly, but does not map names: a test's `./x.js` is `./x.ts`, and `src/x.js` is in `dist`. */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = pathToFileURL(join(import.meta.dirname, '../../..')).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const [parent, copy] = (context.parentURL ?? '').split('?');
    const found = nextResolve(parent.endsWith('.ts') ? mapped(specifier, parent) : specifier, context);
    if (!copy || !found.url.startsWith(`${root}/`) || found.url.includes('/node_modules/')) return found;
    // See `copies.ts`.
    const { replaced, replacement } = Object.fromEntries(new URLSearchParams(copy));
    const isReplaced = found.url === built(`${root}/${replaced}`);
    const own = isReplaced ? nextResolve(`${root}/${replacement}`, context) : found;
    return { ...own, url: `${own.url}?${copy}` };
  },
});

function mapped(specifier, parent) {
  if (!specifier.startsWith('.')) return specifier;
  const { href } = new URL(specifier, parent);
  if (href.startsWith(`${root}/src/`)) return built(href);
  const source = href.replace(/\.js$/, '.ts');
  return existsSync(fileURLToPath(source)) ? source : specifier;
}

function built(href) {
  return href.replace(`${root}/src/`, `${root}/dist/src/`).replace(/\.ts$/, '.js');
}
