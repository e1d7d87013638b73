import { jest } from '@jest/globals';

// A machine that stalls for seconds is no defect: a test that fails runs once more. What it said at first is printed.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
