import type { IncomingHttpHeaders } from 'node:http';
import type { Body, ErrorAnswer } from './dialect.js';
import { openaiBodyProblem, responsesContentProblem } from './openai-content-rules.js';
import { openaiError, openaiKeyProblem } from './openai-errors.js';
import { openaiSettingsProblem } from './settings-rules.js';

/** What the Responses API refuses: invalid keys, references to items that were not stored, calls without outputs. */
export function responsesRefusal(headers: IncomingHttpHeaders, body: Body): ErrorAnswer | undefined {
  const keyProblem = openaiKeyProblem(headers);
  if (keyProblem) return keyProblem;
  if (typeof body['model'] !== 'string') {
    return openaiError(400, "Missing required parameter: 'model'.", {
      param: 'model',
      code: 'missing_required_parameter',
    });
  }
  const unread = openaiBodyProblem(body);
  if (unread) return unread;
  const setting = openaiSettingsProblem(body, body['reasoning']?.effort as string | undefined);
  if (setting !== undefined) return openaiError(400, setting, { code: 'unsupported_parameter' });
  const input: unknown = body['input'];
  if (typeof input === 'string') return undefined;
  if (!Array.isArray(input) || input.length === 0) {
    return openaiError(400, "Missing required parameter: 'input'.", {
      param: 'input',
      code: 'missing_required_parameter',
    });
  }
  const items = input as Body[];
  // The double stores nothing, like the service with `store: false`.
  const reference = items.find(({ type }) => type === 'item_reference');
  if (reference) {
    const id = String(reference['id']);
    return openaiError(
      404,
      `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      { param: 'input' },
    );
  }
  const ids = (type: string) =>
    items.filter((item) => item['type'] === type).map((item) => String(item['call_id']));
  const [calls, outputs] = [ids('function_call'), ids('function_call_output')];
  const open = calls.find((id) => !outputs.includes(id));
  if (open !== undefined)
    return openaiError(400, `No tool output found for function call ${open}.`, { param: 'input' });
  const stray = outputs.find((id) => !calls.includes(id));
  if (stray !== undefined)
    return openaiError(400, `No tool call found for function call output with call_id ${stray}.`, {
      param: 'input',
    });
  return responsesContentProblem(items);
}
