import globalSetup from '../support/global-setup.js';
import globalTeardown from '../support/global-teardown.js';

/** PostgreSQL as the tests have it, for a run without jest. */
export const setup = (): Promise<void> => globalSetup();
export const teardown = (): Promise<void> => globalTeardown();
