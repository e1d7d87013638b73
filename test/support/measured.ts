import { jest } from '@jest/globals';

// For files whose tests measure time or memory of the process: a machine that stalls for a second is no defect. A test that
// fails runs once more, and what it said at first is printed. Every other file runs once.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
