import type { Body } from './dialect.js';
import type { Reply } from './reply.js';

/** A content block: how it starts, its deltas, and the whole block. */
export interface Block {
  block: Body;
  deltas: Iterable<{ delta: unknown; content: boolean }>;
  whole?: () => Body;
}

/** Characters of a tool's input in one event. */
const INPUT_PIECE = 16;

/** Tools that the service runs itself during its answer, for clients that allow them. */
export function serverToolBlocks(reply: Reply, body: Body): Block[] {
  const { id, sources, codeRun } = reply;
  const allows = (tool: string) =>
    (body['tools'] as Body[] | undefined)?.some(({ type }) => String(type).startsWith(tool));
  const blocks: Block[] = [];
  if (allows('web_search_') && sources.length > 0) {
    blocks.push(
      ...used(`srvtoolu_s${id}`, 'web_search', { query: 'what the user said' }, searchResult(reply)),
    );
  }
  if (allows('web_fetch_')) {
    for (const [index, { url, title }] of sources.entries()) {
      blocks.push(...used(`srvtoolu_f${index}${id}`, 'web_fetch', { url }, fetchResult(url, title)));
    }
  }
  if (allows('code_execution_') && codeRun) {
    const name = 'bash_code_execution';
    blocks.push(...used(`srvtoolu_c${id}`, name, { command: codeRun.code }, codeResult(codeRun.output)));
  }
  return blocks;
}

/** The call and its result: two blocks, one after the other. */
function used(id: string, name: string, input: Body, content: unknown): Block[] {
  return [
    {
      block: { type: 'server_tool_use', id, name, input: {} },
      deltas: inputDeltas(input, false),
      whole: () => ({ input }),
    },
    { block: { type: `${name}_tool_result`, tool_use_id: id, content }, deltas: [] },
  ];
}

function searchResult({ sources }: Reply): unknown {
  return sources.map(({ url, title }) => ({
    type: 'web_search_result',
    url,
    title,
    encrypted_content: 'ZG91YmxlIGNvbnRlbnQ=',
    page_age: null,
  }));
}

function fetchResult(url: string, title: string): unknown {
  return {
    type: 'web_fetch_result',
    url,
    retrieved_at: '2026-01-01T00:00:00Z',
    content: {
      type: 'document',
      title,
      // As long as real pages.
      source: { type: 'text', media_type: 'text/plain', data: `${title}. `.repeat(2_000) },
    },
  };
}

function codeResult(stdout: string): unknown {
  return { type: 'bash_code_execution_result', stdout, stderr: '', return_code: 0, content: [] };
}

export function* inputDeltas(input: unknown, content: boolean): Block['deltas'] {
  yield { delta: { type: 'input_json_delta', partial_json: '' }, content: false };
  const json = JSON.stringify(input);
  for (let at = 0; at < json.length; at += INPUT_PIECE) {
    yield { delta: { type: 'input_json_delta', partial_json: json.slice(at, at + INPUT_PIECE) }, content };
  }
}
