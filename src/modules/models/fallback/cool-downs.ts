import { Inject, Injectable, Logger } from '@nestjs/common';
import { modelCoolDowns, modelsCoolingDown } from '../../../common/observability/metrics.js';
import { APP_CONFIG, type AppConfig } from '../../../config/app-config.js';

/** A model with a key, as cool-downs tell them apart. */
export interface CoolDownTarget {
  /** Contains no key, only its digest. */
  id: string;
  provider: string;
  /** The model in the metrics. */
  model: string;
  ownKey: boolean;
}

interface CoolDown {
  /** In milliseconds of `performance.now()`. */
  until: number;
  /** The length without the wait that the vendor asks for, in milliseconds. It doubles. */
  length: number;
  /** A call is finding out whether the model answers again. */
  isProbed: boolean;
}

/** A call that may be made now. */
export interface Entry {
  /** The model has begun to answer. */
  answered(): void;
  /** The call ended without telling whether the model answers again. */
  released(): void;
}

/** The number of models with a key that are remembered. Each user's own key counts. */
export const MAX_COOL_DOWNS = 1_000;

/**
 * The models that failed lately, with the key that was used. They are kept in memory, and each process learns for itself:
 * a shared memory would cost a round trip per turn, and a process learns with one failed call.
 */
@Injectable()
export class CoolDowns {
  private readonly logger = new Logger(CoolDowns.name);
  /** The one that has changed last is at the end. */
  private readonly entries = new Map<string, CoolDown>();
  private readonly shortest: number;
  private readonly longest: number;

  constructor(@Inject(APP_CONFIG) { upstream }: Pick<AppConfig, 'upstream'>) {
    this.shortest = upstream.coolDown;
    this.longest = Math.max(upstream.coolDown, upstream.longestCoolDown);
    modelsCoolingDown.set(0);
  }

  /** When the model may be called again, or 0 if it may be called now. */
  endOf({ id }: CoolDownTarget, now = performance.now()): number {
    const coolDown = this.entries.get(id);
    if (!coolDown) return 0;
    if (now < coolDown.until) return coolDown.until;
    return coolDown.isProbed ? now : 0;
  }

  /**
   * Begins a call. After the cool-down, one call at a time may find out whether the model answers again.
   *
   * @param isForced the call is made in any case, because all other models cool down, too
   * @returns undefined while the model cools down
   */
  enter(target: CoolDownTarget, isForced = false): Entry | undefined {
    const coolDown = this.entries.get(target.id);
    if (!coolDown) return NO_COOL_DOWN;
    if (!isForced && this.endOf(target) > 0) return undefined;
    coolDown.isProbed = true;
    return {
      answered: () => {
        // A failure of another call that began later is newer.
        if (this.entries.get(target.id) !== coolDown) return;
        this.entries.delete(target.id);
        modelsCoolingDown.set(this.entries.size);
      },
      released: () => (coolDown.isProbed = false),
    };
  }

  /**
   * A call has failed. Many calls may fail at once: only a failure after the end of the cool-down doubles it.
   *
   * @param retryAfter the seconds for which the vendor asks to wait
   */
  failed(target: CoolDownTarget, retryAfter: number | undefined): void {
    const now = performance.now();
    const before = this.entries.get(target.id);
    const isCooling = before !== undefined && now < before.until;
    // A model that has not failed for a long time starts anew.
    const isRepeated = before !== undefined && now < before.until + this.longest;
    let length = this.shortest;
    if (isCooling) length = before.length;
    else if (isRepeated) length = Math.min(before.length * 2, this.longest);
    const wait = Math.min(retryAfter ? retryAfter * 1_000 : length, this.longest);
    const until = Math.max(now + wait, isCooling ? before.until : 0);
    this.entries.delete(target.id);
    this.entries.set(target.id, { until, length, isProbed: false });
    this.forget(now);
    if (isCooling) return;
    const { provider, model, ownKey } = target;
    modelCoolDowns.inc({ provider, model, key: ownKey ? 'user' : 'server' });
    this.logger.warn({ provider, model, ownKey, milliseconds: Math.round(wait) }, 'A model cools down.');
  }

  /** Forgets the models that would start anew, and the oldest of too many. */
  private forget(now: number): void {
    for (const [id, { until, isProbed }] of this.entries) {
      const isOld = now >= until + this.longest && !isProbed;
      if (isOld || this.entries.size > MAX_COOL_DOWNS) this.entries.delete(id);
    }
    modelsCoolingDown.set(this.entries.size);
  }
}

const NO_COOL_DOWN: Entry = { answered: () => undefined, released: () => undefined };
