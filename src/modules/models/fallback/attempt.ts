/** What a call may take until it begins to answer. */
export interface CallLimits {
  /** False if another model is asked instead of repeating the call. */
  repeats: boolean;
  /** The provider must not be silent beyond this time, in milliseconds of `performance.now()`. */
  until?: number;
}

/** One model of several that may answer, while it is asked. */
export interface Attempt {
  /** Whether the admission of the run covers the first call. */
  readonly isFirst: boolean;
  /** Whether another model may be asked if this one fails now. */
  readonly isReplaceable: boolean;
  /** Readers have got a part of the answer that does not come from the model, so no other model is asked. */
  shown(): void;
}

/** The attempt with the only model. */
export const ONLY_ATTEMPT: Attempt = {
  isFirst: true,
  isReplaceable: false,
  shown: () => undefined,
};

export class ChainedAttempt implements Attempt {
  readonly isFirst: boolean;
  hasAnswered = false;
  hasShown = false;

  constructor(private readonly options: { isFirst: boolean; limits: CallLimits; onAnswer: () => void }) {
    this.isFirst = options.isFirst;
  }

  /** Undefined once the model has begun to answer: its further calls are like any other. */
  get limits(): CallLimits | undefined {
    return this.hasAnswered ? undefined : this.options.limits;
  }

  get isReplaceable(): boolean {
    return !this.hasAnswered && !this.hasShown;
  }

  /** The model has begun to answer. From now on, no other model is asked. */
  answered(): void {
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    this.options.onAnswer();
  }

  shown(): void {
    this.hasShown = true;
  }
}
