import type { IncomingHttpHeaders } from 'node:http';
import type { Body, ErrorAnswer, RequestFacts } from './dialect.js';
import { googleContentProblem } from './google-content-rules.js';
import { googleBadKey, googleError, googleMissingKey } from './google-errors.js';
import { googleSettingsProblem } from './settings-rules.js';

/**
 * What Gemini refuses: invalid keys, settings that a model does not have, an empty prompt, calls and responses that do
 * not match.
 */
export function googleRefusal(
  headers: IncomingHttpHeaders,
  body: Body,
  facts: RequestFacts,
): ErrorAnswer | undefined {
  const key = headers['x-goog-api-key'];
  if (!key) return googleMissingKey();
  if (key === 'bad-key') return googleBadKey();
  const problem =
    contentsProblem(body['contents'] as Body[] | undefined, facts.model) ??
    googleContentProblem(body) ??
    googleSettingsProblem(body, facts.model);
  return problem === undefined ? undefined : googleError(400, 'INVALID_ARGUMENT', problem);
}

function contentsProblem(contents: Body[] | undefined, model: string): string | undefined {
  if (!contents?.length) return '* GenerateContentRequest.contents: contents is not specified\n';
  const latestQuestion = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && (parts as Body[]).some((part) => 'text' in part),
  );
  for (const [index, { role, parts }] of contents.entries()) {
    if (!Array.isArray(parts) || parts.length === 0) {
      return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.\n`;
    }
    const calls = (parts as Body[]).filter((part) => 'functionCall' in part);
    const before = contents[index - 1];
    if (calls.length > 0 && (role !== 'model' || before?.['role'] !== 'user')) {
      return 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
    }
    // Gemini 3 requires its own signature on the calls since the last user message.
    if (
      /^gemini-[34]/.test(model) &&
      index > latestQuestion &&
      calls[0] &&
      !calls[0]['thoughtSignature'] &&
      !calls[0]['thought_signature']
    ) {
      return `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${calls[0]['functionCall'].name}\` , position ${index + 1}.`;
    }
    const responses = (parts as Body[]).filter((part) => 'functionResponse' in part).length;
    if (responses === 0) continue;
    const asked = ((before?.['parts'] ?? []) as Body[]).filter((part) => 'functionCall' in part).length;
    if (asked === 0)
      return 'Please ensure that function response turn comes immediately after a function call turn.';
    if (asked !== responses) {
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
    }
  }
  return undefined;
}
