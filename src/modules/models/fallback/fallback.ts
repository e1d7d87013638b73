import { Logger } from '@nestjs/common';
import { APICallError } from 'ai';
import { AppError } from '../../../common/errors/app-error.js';
import { modelFallbacks } from '../../../common/observability/metrics.js';
import type { Admission } from '../../rate-limit/admission.js';
import type { SelectedModel } from '../model-selector.js';
import { isOutage, retryAfterSeconds, upstreamFailure, UpstreamTimeoutError } from '../upstream-failure.js';
import { type Attempt, ChainedAttempt, ONLY_ATTEMPT } from './attempt.js';
import type { CoolDowns, CoolDownTarget, Entry } from './cool-downs.js';

/** The models that may answer in place of each other. */
export interface Fallback {
  coolDowns: CoolDowns;
  /** The configured order, with the default model first. */
  models: readonly FallbackModel[];
  /** The time in milliseconds in which a model must begin to answer, for all of them together. */
  within: number;
}

export type FallbackModel = SelectedModel & { coolDown: CoolDownTarget };

/** What a chain of models needs to know of the call. */
export interface Asked {
  /** Stopped by the user. */
  signal?: AbortSignal;
  /** What the run may spend. The admission covers the first attempt. Each further one must be reserved. */
  admission?: Admission;
  /** Whether a model can take the question. */
  fits?: (model: SelectedModel) => boolean;
  /** Another model than the given one has begun to answer. */
  onModel?: (model: SelectedModel) => void;
  /** The error if all models fail. By default that of {@link upstreamFailure}. */
  failureOf?: (error: unknown, model: SelectedModel) => Error;
  /** Aborts when the caller waits no longer, whichever model is asked then. Replaces the deadline of the chain. */
  deadline?: AbortSignal;
}

const logger = new Logger('Fallback');

/** The model to begin with: the given one or, while that cools down, the next one that does not and that fits. */
export function readyModel(model: SelectedModel, fits?: Asked['fits']): SelectedModel {
  const { fallback, thinking } = model;
  if (!fallback) return model;
  const { coolDowns, models } = fallback;
  const ends = models.map((candidate) => ({ candidate, end: coolDowns.endOf(candidate.coolDown) }));
  // Whether a model fits is only asked if its end matters: the files of the question are read for that.
  const isUsable = ({ candidate }: (typeof ends)[number]) =>
    candidate.id === model.id || !fits || fits(candidate);
  const ready =
    ends.find((option) => option.end === 0 && isUsable(option)) ??
    // All of them cool down. A turn is not refused because of that.
    ends.toSorted((one, other) => one.end - other.end).find(isUsable)!;
  return ready.candidate.id === model.id ? model : { ...ready.candidate, thinking };
}

/**
 * Makes an attempt with a model and, if it fails before it begins to answer, with the models that may answer in its place.
 * Without such models, it is the attempt alone.
 *
 * A model that refuses the content or the key has given an answer: no other model is asked then.
 *
 * @throws the error of the first model, if all fail; the error of the model that had begun to answer
 */
export async function answerOf<T>(
  first: SelectedModel,
  asked: Asked,
  attempt: (model: SelectedModel, attempt: Attempt) => Promise<T>,
): Promise<T> {
  if (!first.fallback) return attempt(first, ONLY_ATTEMPT);
  return new Chain(first, first.fallback, asked).ask(attempt);
}

class Chain {
  private readonly models: FallbackModel[];
  private readonly end: number;
  private failure?: { error: unknown; model: SelectedModel };
  /** The model that the next one is asked in place of. */
  private replaced?: { model: FallbackModel; reason: Reason };

  constructor(
    private readonly first: SelectedModel,
    private readonly fallback: Fallback,
    private readonly asked: Asked,
  ) {
    const { models, within } = fallback;
    this.end = performance.now() + within;
    const others = models.filter(({ id }) => id !== first.id);
    const own = models.find(({ id }) => id === first.id);
    this.models = [
      { ...first, coolDown: own!.coolDown },
      ...others.map((model) => ({ ...model, thinking: first.thinking })),
    ];
  }

  async ask<T>(attempt: (model: SelectedModel, attempt: Attempt) => Promise<T>): Promise<T> {
    const { coolDowns, models: configured } = this.fallback;
    const isCool = ({ coolDown }: FallbackModel) => coolDowns.endOf(coolDown) > 0;
    const [preferred] = configured;
    if (preferred && preferred.id !== this.first.id && isCool(preferred))
      this.replaced = { model: preferred, reason: 'cooling_down' };
    const usable = this.models.filter((model) => this.mayAsk(model));
    const ready = usable.filter((model) => !isCool(model));
    const inOrder = ready.length > 0 ? ready : usable;
    for (const [index, model] of inOrder.entries()) {
      const left = inOrder.length - index;
      if (this.failure && performance.now() >= this.end) break;
      // Something must be asked, even if other calls find out meanwhile whether the models answer again.
      const isForced = ready.length === 0 || (left === 1 && !this.failure);
      const entry = coolDowns.enter(model.coolDown, isForced);
      if (!entry) continue;
      const made = this.attemptOf(model, entry, left);
      try {
        const answer = await attempt(bound(model, made), made);
        made.answered();
        return answer;
      } catch (error) {
        entry.released();
        this.noteFailure(error, model, made);
      }
    }
    throw this.finalFailure();
  }

  private attemptOf(model: FallbackModel, entry: Entry, left: number): ChainedAttempt {
    this.noteReplaced(model);
    const now = performance.now();
    const share = Math.max(0, this.end - now) / left;
    const isOther = model.id !== this.first.id;
    return new ChainedAttempt({
      isFirst: this.failure === undefined,
      limits: { repeats: left === 1, until: this.asked.deadline ? undefined : now + share },
      onAnswer: () => {
        entry.answered();
        if (isOther) this.asked.onModel?.(model);
      },
    });
  }

  /** Whether the model may answer this question in place of the first one. */
  private mayAsk(model: SelectedModel): boolean {
    const { first, asked } = this;
    if (model.id === first.id) return true;
    // Readers already know that another one answers.
    if (asked.onModel && model.id === first.standsInFor) return false;
    if (asked.fits?.(model) === false) return false;
    if (!first.ownKey || model.ownKey || asked.admission?.hasBudget) return true;
    // The run was admitted for a call with the user's own key, so nothing limits what it spends with the server's key.
    const { daily, monthly } = model.agentConfig.budget ?? {};
    return daily === undefined && monthly === undefined;
  }

  /** @throws the error if no other model may be asked */
  private noteFailure(error: unknown, model: FallbackModel, made: ChainedAttempt): void {
    const { signal, deadline } = this.asked;
    if (signal?.aborted || made.hasAnswered) throw error;
    const isOver = deadline?.aborted === true || isOutage(error);
    if (isOver) this.fallback.coolDowns.failed(model.coolDown, retryAfterSeconds(error));
    if (made.hasShown || deadline?.aborted) throw error;
    if (!isOver) {
      if (!this.failure) throw error;
      // A cheaper model may still fit into the budget.
      if (error instanceof AppError && error.code === 'budget_exceeded') return;
      throw this.finalFailure();
    }
    this.failure ??= { error, model };
    this.replaced = { model, reason: reasonOf(error) };
  }

  private noteReplaced({ id: next }: SelectedModel): void {
    if (!this.replaced) return;
    const { model, reason } = this.replaced;
    this.replaced = undefined;
    const { coolDown, id } = model;
    modelFallbacks.inc({ provider: coolDown.provider, model: coolDown.model, reason });
    logger.log({ model: id, reason, next }, 'Another model is asked.');
  }

  private finalFailure(): Error {
    if (!this.failure) return new Error('No model was asked.');
    const { error, model } = this.failure;
    return (this.asked.failureOf ?? upstreamFailure)(error, model);
  }
}

/**
 * The model with calls that have the limits of the attempt, and that end the search for a model once one is answered. A
 * tool of an answer may ask a chain of its own, which sets limits of its own.
 */
function bound(model: FallbackModel, attempt: ChainedAttempt): FallbackModel {
  const answered = <Answer>(answer: Answer): Answer => {
    attempt.answered();
    return answer;
  };
  return {
    ...model,
    stream: (params, limits = attempt.limits) => model.stream(params, limits).then(answered),
    generate: (params, limits = attempt.limits) => model.generate(params, limits).then(answered),
  };
}

type Reason = 'rate_limited' | 'timeout' | 'failed' | 'cooling_down';

function reasonOf(error: unknown): Reason {
  if (error instanceof UpstreamTimeoutError) return 'timeout';
  return APICallError.isInstance(error) && error.statusCode === 429 ? 'rate_limited' : 'failed';
}
