/**
 * A separate server process that admits on demand. `DATABASE_URL` is its database, and messages of the parent are its
 * commands.
 */
import { PassThrough } from 'node:stream';
import { createApp } from '../../dist/src/bootstrap.js';
import { loadConfig } from '../../dist/src/config/app-config.js';
import { VENDORS } from '../../dist/src/modules/models/vendors/vendors.js';
import { AdmissionService } from '../../dist/src/modules/rate-limit/admission.service.js';

const logDestination = new PassThrough();
logDestination.resume();
const app = await createApp(loadConfig(process.env, VENDORS), { logDestination });
await app.init();
const admissions = app.get(AdmissionService);

process.on('message', async ({ request, times }) => {
  const outcomes = await Promise.all(
    Array.from({ length: times }, () =>
      admissions.admit(request).then(
        () => 'admitted',
        (error) => error.code ?? String(error),
      ),
    ),
  );
  process.send(outcomes);
});
process.on('disconnect', () => void app.close().then(() => process.exit()));
process.send('ready');
