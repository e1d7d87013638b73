import { readOpenApiDocument } from '../support/openapi-document.js';
import { AnswerChecks } from './checks.js';
import type { WireAnswer, WireRequest } from './send.js';
import { SECRETS } from './target.js';

const document = readOpenApiDocument();
const checks = new AnswerChecks(document);
const request: WireRequest = { method: 'GET', path: '/api/me', headers: {} };

const operationOf = (id: string) => {
  const found = document.operations.find((operation) => operation.id === id);
  if (!found) throw new Error(`there is no ${id}`);
  return found;
};
const answer = (status: number, body: unknown, headers: Record<string, string> = {}): WireAnswer => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = status < 400 ? 'application/json; charset=utf-8' : 'application/problem+json; charset=utf-8';
  return {
    status,
    headers: { 'content-type': type, 'x-request-id': 'one', ...headers },
    text,
    bytes: Buffer.byteLength(text),
    milliseconds: 1,
  };
};
const problem = (status: number, changes: object = {}) => ({
  type: 'about:blank',
  title: 'Title',
  status,
  detail: 'What went wrong.',
  code: 'not_found',
  requestId: 'one',
  ...changes,
});
const me = {
  id: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
  email: null,
  role: 'user',
  isActive: true,
  settings: {},
};
const faults = (given: WireAnswer, id = 'Me_read') => checks.check(operationOf(id), request, given);

describe('the checks of fuzzed answers', () => {
  it('find nothing in responses as documented', () => {
    expect(faults(answer(200, me))).toEqual([]);
    expect(faults(answer(404, problem(404)), 'Chats_read')).toEqual([]);
    expect(faults(answer(503, problem(503), { 'retry-after': '2' }))).toEqual([]);
    expect(faults(answer(204, '', { 'content-type': '' }), 'Chats_delete')).toEqual([]);
  });

  it.each([
    ['a status that is not documented', answer(404, problem(404))],
    ['a server error', answer(500, problem(500))],
    ['503 without Retry-After', answer(503, problem(503))],
    ['a field that is missing', answer(200, { ...me, role: undefined })],
    ['a field that is not documented', answer(200, { ...me, password: 'x' })],
    ['a value of another type', answer(200, { ...me, isActive: 'yes' })],
    ['a value of another format', answer(200, { ...me, id: 'one' })],
    ['JSON that is none', answer(200, '{"id":')],
    ['another content type', answer(200, '<p>', { 'content-type': 'text/html' })],
    ['an answer without end', { ...answer(200, me), bytes: 6 * 1024 ** 2 }],
    ['no request id', answer(200, me, { 'x-request-id': '' })],
    ['a problem of another request', answer(401, problem(401, { requestId: 'two' }))],
    ['a problem without a code', answer(401, problem(401, { code: undefined }))],
    ['a problem of another status', answer(401, problem(400))],
    ['a problem that is plain JSON', answer(401, problem(401), { 'content-type': 'application/json' })],
    [
      'a problem with thousands of errors',
      answer(401, problem(401, { errors: Array(101).fill({ path: 'a', message: 'b' }) })),
    ],
    ['a stack', answer(401, problem(401, { detail: 'at read (/srv/a.js:1:2)' }))],
    ['a statement’s error', answer(401, problem(401, { detail: 'invalid input syntax for type uuid' }))],
    ['a key', answer(200, { ...me, settings: { key: SECRETS.OPENAI_API_KEY } })],
  ])('find %s', (_, given) => {
    expect(faults(given)).not.toEqual([]);
  });

  it('allow echoing what the caller sent', () => {
    const sent: WireRequest = { ...request, path: '/api/me?q=node_modules' };
    const echo = answer(401, problem(401, { detail: 'node_modules is not known' }));
    expect(checks.check(operationOf('Me_read'), sent, echo)).toEqual([]);
    expect(faults(echo)).not.toEqual([]);
  });
});
