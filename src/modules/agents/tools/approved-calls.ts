import { canonicalJson } from '../../../common/database/canonical-json.js';
import type { ApprovedCall } from '../agent.js';

/** Whether a call is one of those that were approved, with the very arguments. An approval serves once. */
export function takeApproval(
  call: { toolCallId: string; toolName: string; input: unknown },
  approved: Map<string, ApprovedCall> | undefined,
): boolean {
  const known = approved?.get(call.toolCallId);
  if (known?.toolName !== call.toolName || canonicalJson(known.input) !== canonicalJson(call.input))
    return false;
  approved?.delete(call.toolCallId);
  return true;
}
