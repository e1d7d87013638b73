import fc from 'fast-check';
import { type Operation, readOpenApiDocument } from '../support/openapi-document.js';
import { AnswerChecks } from './checks.js';
import { type GeneratedRequest, requestsFor } from './request.js';
import { send, toWire, type WireAnswer, type WireRequest } from './send.js';
import type { LoopDelay, Scene, Target } from './target.js';

/** The number of concurrent requests. */
const AT_ONCE = 4;
const BATCH = 24;
/** How long one request may block the event loop, in milliseconds. */
export const MAX_LOOP_DELAY = 200;
/** How often a request must block it alone before it counts as a failure. */
const CONFIRMATIONS = 3;

export interface CampaignOptions {
  seed: number;
  /** For all operations together. */
  requests: number;
  /** Only operations whose id contains this. */
  operation?: string;
  onProgress?: (done: number, all: number) => void;
}

export interface Failure {
  operation: string;
  fault: string;
  request: WireRequest;
  /** Status and the beginning of the response, if there is one. */
  answer: string;
}

export interface OperationResult {
  operation: Operation;
  requests: number;
  byStatus: Map<number, number>;
  failures: Failure[];
}

/** Sends generated requests to every operation of openapi.json, and checks each response against the document. */
export async function runCampaign(target: Target, options: CampaignOptions): Promise<OperationResult[]> {
  const document = readOpenApiDocument();
  const checks = new AnswerChecks(document);
  const operations = document.operations.filter(({ id }) => id.includes(options.operation ?? ''));
  const each = Math.max(1, Math.round(options.requests / Math.max(1, operations.length)));
  const results: OperationResult[] = [];
  // The server's first operations are slow, because code is compiled.
  await target.loopDelay();
  for (const operation of operations) {
    const result: OperationResult = { operation, requests: 0, byStatus: new Map(), failures: [] };
    results.push(result);
    const seed = options.seed ^ hash(operation.id);
    const generated = fc.sample(requestsFor(document, operation), { seed, numRuns: each });
    for (let start = 0; start < generated.length; start += BATCH) {
      await runBatch(target, checks, result, generated.slice(start, start + BATCH));
      options.onProgress?.(
        results.reduce((sum, { requests }) => sum + requests, 0),
        each * operations.length,
      );
      if (!target.isAlive()) return results;
    }
    if (operation.path.startsWith('/api/admin/') && operation.method !== 'GET') await target.restoreConfig();
  }
  return results;
}

async function runBatch(
  target: Target,
  checks: AnswerChecks,
  result: OperationResult,
  batch: GeneratedRequest[],
): Promise<void> {
  const scene = await target.newScene();
  const wires = batch.map((request) => toWire(request, scene));
  const queue = [...wires];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { answer, faults } = await attempt(target, checks, result.operation, next);
        result.requests++;
        if (answer) result.byStatus.set(answer.status, (result.byStatus.get(answer.status) ?? 0) + 1);
        for (const fault of faults) result.failures.push(failureOf(result.operation, fault, next, answer));
      }
    }),
  );
  if (!(await isReady(target))) {
    const fault = target.isAlive() ? 'the server is not ready any more' : 'the server has ended';
    for (const wire of wires)
      result.failures.push(failureOf(result.operation, `${fault}, after this or one beside it`, wire));
    return;
  }
  if (isLong(await target.loopDelay())) await findSlowOnes(target, result, batch, scene);
}

async function attempt(
  target: Target,
  checks: AnswerChecks,
  operation: Operation,
  request: WireRequest,
): Promise<{ answer?: WireAnswer; faults: string[] }> {
  try {
    const answer = await send(target.url, request);
    return { answer, faults: checks.check(operation, request, answer) };
  } catch (error) {
    return { faults: [`there is no answer: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

/** The machine can stall as well. A request only counts as slow if it is slow each time, alone. */
async function findSlowOnes(
  target: Target,
  result: OperationResult,
  batch: GeneratedRequest[],
  scene: Scene,
): Promise<void> {
  for (const request of batch) {
    const wire = toWire(request, scene);
    let shortest = Infinity;
    for (let time = 0; time < CONFIRMATIONS; time++) {
      await target.loopDelay();
      await send(target.url, wire).catch(() => undefined);
      const measured = await target.loopDelay();
      shortest = Math.min(shortest, isLong(measured) ? measured.delay : 0);
      if (shortest === 0) break;
    }
    if (shortest > 0)
      result.failures.push(
        failureOf(result.operation, `holds the event loop for ${Math.round(shortest)} ms`, wire),
      );
  }
}

/** A delay in which the server computed little was caused by the machine. */
const isLong = ({ delay, processor }: LoopDelay) => delay > MAX_LOOP_DELAY && processor > MAX_LOOP_DELAY / 2;

async function isReady(target: Target): Promise<boolean> {
  for (let time = 0; time < 3 && target.isAlive(); time++) {
    const answer = await send(target.url, { method: 'GET', path: '/health/ready', headers: {} }).catch(
      () => undefined,
    );
    if (answer?.status === 200) return true;
  }
  return false;
}

function failureOf({ id }: Operation, fault: string, request: WireRequest, answer?: WireAnswer): Failure {
  return {
    operation: id,
    fault,
    request,
    answer: answer ? `${answer.status} ${answer.text.slice(0, 600)}` : '',
  };
}

/** Each operation has its own requests, whatever other operations there are. */
function hash(text: string): number {
  let value = 0;
  for (const character of text) value = (Math.imul(value, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return value;
}
