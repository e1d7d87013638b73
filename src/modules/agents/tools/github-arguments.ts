import { bounded } from '../../../common/database/bounded-json.js';
import { GithubToolError } from './github-tool-error.js';

/** Arguments that contain text by people. They identify nothing. */
const TEXTS = new Set([
  'body',
  'content',
  'message',
  'title',
  'description',
  'commit_title',
  'commit_message',
  'query',
  'reason',
  'inputs',
]);

/** Branches, tags and commits. GitHub reads the part before a colon as the owner of another repository. */
const REFERENCES = new Set([
  'head',
  'base',
  'ref',
  'sha',
  'branch',
  'from_branch',
  'tag',
  'tag_name',
  'tree_sha',
]);

/**
 * Arguments of GitHub's tools that identify something within the repository of `owner` and `repo`, or that identify
 * nothing. Other arguments are not offered, because they may refer to another place. In particular, this concerns ids
 * that GitHub resolves everywhere.
 */
const WITHIN = new Set([
  ...TEXTS,
  ...REFERENCES,
  ...['owner', 'repo', 'method', 'path', 'files', 'path_filter', 'recursive'],
  ...[
    'page',
    'perPage',
    'per_page',
    'after',
    'before',
    'cursor',
    'limit',
    'sort',
    'order',
    'orderBy',
    'direction',
  ],
  ...[
    'since',
    'until',
    'author',
    'assignee',
    'creator',
    'mentioned',
    'filter',
    'field',
    'state',
    'state_reason',
    'status',
  ],
  ...[
    'issue_number',
    'issueNumber',
    'number',
    'related_issue_number',
    'duplicate_of',
    'discussionNumber',
    'milestone',
  ],
  ...[
    'labels',
    'label',
    'name',
    'color',
    'new_name',
    'assignees',
    'type',
    'category',
    'comment_id',
    'lock_reason',
  ],
  ...[
    'pullNumber',
    'pull_number',
    'draft',
    'maintainer_can_modify',
    'reviewers',
    'merge_method',
    'event',
    'commitID',
  ],
  ...[
    'commit_id',
    'expectedHeadSha',
    'line',
    'side',
    'startLine',
    'startSide',
    'start_line',
    'start_side',
    'subjectType',
  ],
  ...[
    'include_diff',
    'detail',
    'alertNumber',
    'alert_number',
    'severity',
    'tool_name',
    'secret_type',
    'resolution',
  ],
  ...[
    'workflow_id',
    'run_id',
    'job_id',
    'artifact_id',
    'resource_id',
    'failed_only',
    'return_content',
    'tail_lines',
  ],
  ...['workflow_runs_filter', 'workflow_jobs_filter', 'actor'],
]);

const MAX_DECODINGS = 6;
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu;
/** Characters that look like these, or that some step on the way converts to these. */
const SLASHES = /[\\\u2044\u2215\u2216\u29f5\u29f8\u29f9]/g;
const DOTS = /[\u2024\u3002\u0701\u0702]/g;

export function isWithin(argument: string): boolean {
  return WITHIN.has(argument);
}

/**
 * Checks the values of arguments that identify something. No value may lead out of the repository, in any spelling.
 *
 * @throws GithubToolError
 */
export function checkValues(input: Record<string, unknown>, owner: string): void {
  if (bounded(input) !== input)
    throw new GithubToolError('The arguments are nested too deeply, or too large.');
  for (const [name, value] of Object.entries(input)) {
    if (name === 'owner' || name === 'repo' || TEXTS.has(name)) continue;
    if (name === 'files') checkFiles(value);
    else
      for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
        checkScalar(name, item, owner);
  }
}

/** The path and the content of each file. */
function checkFiles(value: unknown): void {
  if (!Array.isArray(value)) throw new GithubToolError('The argument files must be a list.');
  for (const file of value as unknown[]) {
    if (typeof file !== 'object' || file === null || Array.isArray(file))
      throw new GithubToolError('Each item of files must be an object.');
    for (const [name, member] of Object.entries(file)) {
      if (name === 'path') checkScalar('files', member, '');
      else if (name !== 'content' || typeof member !== 'string')
        throw new GithubToolError('Each item of files must have a path and a content, and nothing else.');
    }
  }
}

function checkScalar(name: string, value: unknown, owner: string): void {
  if (typeof value === 'object' && value !== null)
    throw new GithubToolError(`The argument ${name} must be a string, a number, or a list of them.`);
  if (typeof value !== 'string') return;
  const plain = plainly(value);
  if (plain === undefined || leadsOut(plain) || (REFERENCES.has(name) && isElsewhere(name, plain, owner)))
    throw new GithubToolError(`The argument ${name} must not point outside of the repository.`);
}

/** The text after every decoding that could happen on the way. Undefined if the decoding has no end. */
function plainly(value: string): string | undefined {
  let text = value;
  for (let round = 0; round < MAX_DECODINGS; round++) {
    const next = text
      .normalize('NFKC')
      .replace(INVISIBLE, '')
      .replace(SLASHES, '/')
      .replace(DOTS, '.')
      .replace(/%u([0-9a-f]{4})/gi, (_match, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      // Decodes byte by byte: overlong forms of dots and slashes (%c0%ae) are not valid characters, but some decoders
      // accept them.
      .replace(/%c0%(?:ae|2e)/gi, '.')
      .replace(/%c0%(?:af|2f)/gi, '/')
      .replace(/(?:%[0-9a-f]{2})+/gi, decoded);
    if (next === text) return text;
    text = next;
  }
  return undefined;
}

function decoded(escapes: string): string {
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8');
}

function leadsOut(text: string): boolean {
  return /(?:^|\/)\.\.(?:\/|$)/.test(text) || text.includes('://') || text.startsWith('//');
}

function isElsewhere(name: string, text: string, owner: string): boolean {
  const colon = text.indexOf(':');
  if (colon < 0) return false;
  return name !== 'head' || text.slice(0, colon).toLowerCase() !== owner.toLowerCase();
}
