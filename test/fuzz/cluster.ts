import globalSetup from '../support/global-setup.js';
import globalTeardown from '../support/global-teardown.js';

/** The PostgreSQL of the tests, for a run without jest. */
export const setup = (): Promise<void> => globalSetup();
export const teardown = (): Promise<void> => globalTeardown();
