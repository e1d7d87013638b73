import { canonicalJson } from '../../../common/database/canonical-json.js';
import type { ApprovedCall } from '../agent.js';

/** Whether a call was approved with exactly these arguments. An approval is valid once. */
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
