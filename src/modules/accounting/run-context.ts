import { AsyncLocalStorage } from 'node:async_hooks';
import type { UsagePurpose } from '../usage/usage.types.js';
import type { RunPart } from './accounted-run.js';

/** The request that work is done for. */
export interface Asker {
  userId: string;
  requestId: string;
}

interface RunContext {
  asker: Asker;
  part?: RunPart;
}

/** Opened by an interceptor on every route that can reach a model; narrowed by the parts of runs. */
export const runContext = new AsyncLocalStorage<RunContext>();

/** @throws Error outside of a request that may call models */
export function currentAsker(): Asker {
  const context = runContext.getStore();
  if (!context) throw new Error('A run was begun outside of a request; nobody would account for it.');
  return context.asker;
}

/** @throws Error outside of a run: nothing that reaches a model may go unaccounted */
export function currentPart(): RunPart {
  const part = runContext.getStore()?.part;
  if (!part)
    throw new Error('A model was called outside of an accounted run; the call would go unaccounted.');
  return part;
}

/** Runs `fn` as the same part of a run, its calls made for another purpose. */
export function forPurpose<T>(purpose: UsagePurpose, fn: () => T): T {
  return currentPart().forPurpose(purpose).do(fn);
}
