import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failure, OperationResult } from './campaign.js';
import { toCurl } from './send.js';

/** Longer bodies go to a file that the command names, and so do longer commands. */
const MAX_INLINE = 1_500;
const MAX_LOG_KINDS = 50;

/** Failures with the same fault in the same operation are grouped, with the first of their requests. */
export function distinct(failures: Failure[]): Array<Failure & { times: number }> {
  const byFault = new Map<string, Failure & { times: number }>();
  for (const failure of failures) {
    const key = `${failure.operation} ${failure.fault.replaceAll(/\d+ (?:ms|bytes)/g, '')}`;
    const known = byFault.get(key);
    if (known) known.times++;
    else byFault.set(key, { ...failure, times: 1 });
  }
  return [...byFault.values()];
}

/** One line per operation: the number of requests, the responses, and the failures. */
export function tableOf(results: OperationResult[]): string {
  const rows = results.map(({ operation, requests, byStatus, failures }) => [
    operation.id,
    String(requests),
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, times]) => `${status}×${times}`)
      .join(' '),
    failures.length === 0 ? '' : `${failures.length} FAILED`,
  ]);
  const heads = ['operation', 'requests', 'answers', 'failures'];
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heads, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The fault, with a command that repeats it. `$TOKEN` is an access token of a user or an administrator. */
export function describeFailures(results: OperationResult[]): string[] {
  let folder: string | undefined;
  const store = (name: string, text: string) => {
    folder ??= mkdtempSync(join(tmpdir(), 'switchboard-fuzz-'));
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  return distinct(results.flatMap(({ failures }) => failures)).map((failure, index) => {
    const { operation, fault, request, answer, times } = failure;
    const { body = '' } = request;
    const command = toCurl(request, body.length > MAX_INLINE ? store(`body-${index}`, body) : undefined);
    const shown = command.length > MAX_INLINE ? `sh ${store(`request-${index}.sh`, command)}` : command;
    return `${operation}: ${fault} (${times} times)\n  ${shown}\n  ${answer}`;
  });
}

interface LogLine {
  level: string;
  msg?: string;
  err?: { name?: string; message?: string; stack?: string };
}

/** The errors in the server's log: each kind once, with its source. */
export function describeLog(output: string): string[] {
  const kinds = new Map<string, { times: number; message: string }>();
  for (const line of output.split('\n')) {
    const entry = parseLine(line);
    if (!entry) continue;
    const { err, msg = '' } = entry;
    const place = err?.stack?.split('\n').find((part) => part.trimStart().startsWith('at ')) ?? '';
    const kind = `${err?.name ?? ''} ${place.trim()} ${msg}`;
    const known = kinds.get(kind) ?? { times: 0, message: (err?.message ?? '').slice(0, 200) };
    kinds.set(kind, { ...known, times: known.times + 1 });
  }
  return [...kinds]
    .map(([kind, { times, message }]) => `${times}× ${kind}: ${message}`)
    .slice(0, MAX_LOG_KINDS);
}

function parseLine(line: string): LogLine | undefined {
  try {
    const entry = JSON.parse(line) as LogLine;
    return entry.level === 'error' || entry.level === 'fatal' ? entry : undefined;
  } catch {
    return undefined;
  }
}
