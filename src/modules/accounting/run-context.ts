import { AsyncLocalStorage } from 'node:async_hooks';
import type { UsagePurpose } from '../usage/usage.types.js';
import type { RunPart } from './accounted-run.js';

/** The request that the work is done for. */
export interface Asker {
  userId: string;
  requestId: string;
}

interface RunContext {
  asker: Asker;
  part?: RunPart;
}

/** Set by an interceptor on every route that can reach a model, and narrowed by the parts of runs. */
export const runContext = new AsyncLocalStorage<RunContext>();

/** @throws Error outside of a request that may call models */
export function currentAsker(): Asker {
  const context = runContext.getStore();
  if (!context) throw new Error('A run was started outside of a request, so it cannot be accounted.');
  return context.asker;
}

/** @throws Error outside of a run, because every model call must be accounted */
export function currentPart(): RunPart {
  const part = runContext.getStore()?.part;
  if (!part) throw new Error('A model was called outside of an accounted run.');
  return part;
}

/** Runs `fn` in the same part of a run, with another purpose for its calls. */
export function forPurpose<T>(purpose: UsagePurpose, fn: () => T): T {
  return currentPart().forPurpose(purpose).do(fn);
}
