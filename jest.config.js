/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // These need programs that are not on npm: `npm run test:real`.
  testPathIgnorePatterns: ['/node_modules/', '/test/real/'],
  testEnvironment: '<rootDir>/test/support/jest/environment.js',
  // Node loads the test files, and the application from `dist`.
  runtime: '<rootDir>/test/support/jest/runtime.js',
  reporters: ['default', '<rootDir>/test/support/jest/flaky-reporter.js'],
  testSequencer: '<rootDir>/test/support/jest/sequencer.js',
  transform: {},
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  // Seldom needed: a busy machine may take ten times as long as a quiet one.
  testTimeout: 90_000,
  // Most tests wait for servers rather than compute.
  maxWorkers: 3,
  workerIdleMemoryLimit: '700MB',
};
