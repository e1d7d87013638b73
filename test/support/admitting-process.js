/**
 * A separate server process that admits on demand. `DATABASE_URL` is its database, and messages of the parent are its
 * commands.
 */
import { PassThrough } from 'node:stream';
import { createApp } from '../../dist/src/bootstrap.js';
import { loadConfig } from '../../dist/src/config/app-config.js';
import { VENDORS } from '../../dist/src/modules/models/vendors/vendors.js';
import { Accounting } from '../../dist/src/modules/accounting/accounting.service.js';
import { runContext } from '../../dist/src/modules/accounting/run-context.js';

const logDestination = new PassThrough();
logDestination.resume();
const app = await createApp(loadConfig(process.env, VENDORS), { logDestination });
await app.init();
const accounting = app.get(Accounting, { strict: false });

function admit(request) {
  const asker = { userId: request.userId, requestId: 'request' };
  const name = { agentType: request.agentType, purpose: 'answer' };
  const run = runContext.run({ asker }, () => accounting.begin(name));
  return accounting.admit(run, request);
}

process.on('message', async ({ request, times }) => {
  const outcomes = await Promise.all(
    Array.from({ length: times }, () =>
      admit(request).then(
        () => 'admitted',
        (error) => error.code ?? String(error),
      ),
    ),
  );
  process.send(outcomes);
});
process.on('disconnect', () => void app.close().then(() => process.exit()));
process.send('ready');
