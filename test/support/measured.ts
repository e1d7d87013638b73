/** Milliseconds of processor time that the process needs for `work`. Unlike the time that passes, other programs hardly change it. */
export function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
