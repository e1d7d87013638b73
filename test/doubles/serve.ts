import { registerHooks } from 'node:module';

/**
 * Runs the provider double as its own process. `node test/doubles/serve.ts` prints `{"url":…}` when it listens, on PORT
 * or any free port. Answers are programmed in the user's text, see `readDirective`. `GET /reported` lists the usage of
 * the latest answers.
 */

// Node runs TypeScript directly but does not map import names.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const isOurs = !context.parentURL?.includes('/node_modules/');
    const local = isOurs && specifier.startsWith('.') && specifier.endsWith('.js');
    return nextResolve(local ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
const { startProviderDouble } = await import('./provider-double.js');

/** A benchmark makes many requests, so only the latest are kept. */
const KEEP = 10_000;

const double = await startProviderDouble({ port: Number(process.env['PORT'] ?? 0), keep: KEEP });
console.log(JSON.stringify({ url: double.url }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void double.close().then(() => process.exit(0)));
}
