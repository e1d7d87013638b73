import type { Asked } from '../models/fallback/fallback.js';
import type { AgentInput } from './agent.js';
import { takesFiles } from './file-input.js';

/** What the models that may answer in place of each other need to know of a question. */
export function askedBy({ history, signal, admission, onModel }: AgentInput): Asked {
  return { signal, admission, onModel, fits: (model) => takesFiles(history.at(-1), model) };
}
