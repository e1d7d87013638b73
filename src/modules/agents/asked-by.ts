import type { Asked } from '../models/fallback/fallback.js';
import type { AgentInput } from './agent.js';
import { objectionsTo } from './file-input.js';

/** What the models that may answer in place of each other need to know of a question. */
export function askedBy({ history, signal, admission, onModel }: AgentInput): Asked {
  const objections = objectionsTo(history.at(-1) ?? { parts: [] });
  return { signal, admission, onModel, fits: (model) => objections(model).length === 0 };
}
