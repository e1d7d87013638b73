/** Lists the tests that failed first and passed when they ran again. They are flaky: fix them. */
export default class FlakyReporter {
  onRunComplete(_contexts, { testResults }) {
    const flaky = testResults.flatMap(({ testFilePath, testResults: tests }) =>
      tests
        .filter(({ status, invocations = 1 }) => status === 'passed' && invocations > 1)
        .map(({ fullName }) => `  ${testFilePath.slice(process.cwd().length + 1)} › ${fullName}`),
    );
    if (flaky.length > 0) process.stderr.write(`Flaky tests: ${flaky.length}\n${flaky.join('\n')}\n`);
  }
}
