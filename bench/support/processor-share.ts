import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';

/** Short enough that a request does not wait long for its next share. */
const PERIOD_US = 20_000;

/** Gives a process back the whole processor. */
export type Release = () => void;

/**
 * Limits a process, with all its threads, to a share of one core, which other programs do not take from it. It needs Linux's control groups, version 1 or 2, and the
 * right to create one.
 *
 * @returns undefined if this is not possible
 */
export function limitProcessor(pid: number, share: number): Release | undefined {
  const version1 = existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const root = version1 ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup';
  const group = `${root}/switchboard-bench-${pid}`;
  const quota = Math.round(PERIOD_US * share);
  try {
    mkdirSync(group);
    if (version1) {
      writeFileSync(`${group}/cpu.cfs_period_us`, String(PERIOD_US));
      writeFileSync(`${group}/cpu.cfs_quota_us`, String(quota));
      writeFileSync(`${group}/cpu.shares`, '100000');
    } else {
      writeFileSync(`${group}/cpu.max`, `${quota} ${PERIOD_US}`);
      writeFileSync(`${group}/cpu.weight`, '10000');
    }
    writeFileSync(`${group}/cgroup.procs`, String(pid));
  } catch {
    remove(group);
    return undefined;
  }
  return () => {
    try {
      writeFileSync(`${root}/cgroup.procs`, String(pid));
    } catch {
      // The process has ended.
    }
    remove(group);
  };
}

function remove(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // It does not exist, or still has a process.
  }
}
