import { Logger } from '@nestjs/common';
import { periodicRuns } from '../observability/metrics.js';

/**
 * The fraction of an interval by which a run may come early, so that instances that started together do not stay
 * synchronized.
 */
const JITTER = 0.1;

export interface PeriodicPlan {
  /** The name of the task in metrics and logs. */
  name: string;
  /** In milliseconds: the maximum time between the end of one run and the start of the next. */
  interval: number;
  /** The log message for a failed run. It is logged once, until a run succeeds again. */
  failure: string;
  /** May reject: the next run happens anyway. Long work ends early when the signal is aborted. */
  work: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Work that a service repeats while the server runs: one run at a time, measured, and never a reason to crash. The
 * service that owns it starts it, and stops it at the point of the shutdown where it is no longer needed.
 *
 * Every instance runs it. Work that must run on only one instance at a time takes an advisory lock in its own
 * statement. A lock for a whole run would need its own connection, and would not work through a transaction pooler.
 */
export class PeriodicTask {
  private readonly logger = new Logger(PeriodicTask.name);
  private readonly ending = new AbortController();
  private timer?: NodeJS.Timeout;
  private running?: Promise<void>;
  private isFailing = false;

  constructor(private readonly plan: PeriodicPlan) {
    // An alert on failures needs the series before the first failure.
    for (const outcome of ['success', 'failure']) periodicRuns.zero({ task: plan.name, outcome });
  }

  /** The first run comes after one interval. */
  start(): void {
    if (this.ending.signal.aborted) return;
    const wait = this.plan.interval * (1 - JITTER * Math.random());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run().then(() => this.start()), wait).unref();
  }

  /** Runs now, or waits for the run in progress. Never rejects. */
  run(): Promise<void> {
    if (this.ending.signal.aborted) return Promise.resolve();
    return (this.running ??= this.runOnce().finally(() => (this.running = undefined)));
  }

  /** Stops the task, and waits for the run in progress. */
  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  private async runOnce(): Promise<void> {
    const { name, failure, work } = this.plan;
    const measured = periodicRuns.startTimer({ task: name });
    try {
      await work(this.ending.signal);
      measured({ outcome: 'success' });
      this.isFailing = false;
    } catch (error) {
      measured({ outcome: 'failure' });
      if (!this.isFailing && !this.ending.signal.aborted)
        this.logger.warn({ err: error, task: name }, failure);
      this.isFailing = true;
    }
  }
}
