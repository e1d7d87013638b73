import { isToolUIPart, type UIMessage } from 'ai';
import { invalidField } from '../../../common/errors/app-error.js';
import { toJson } from '../../../common/database/stored-json.js';
import type { AnswerMetadata, ToolApproval, TurnRequest } from './turn.types.js';

type Parts = UIMessage['parts'];

/**
 * Puts the user's word into the calls that wait for it. Everything else about a call, its tool and its input above all, is
 * what the server has stored when it asked.
 *
 * @throws AppError 400 for a word on something that does not wait for one, or when a call is left without
 */
export function applyApprovals(parts: Parts, approvals: ToolApproval[]): Parts {
  const byId = new Map(approvals.map((approval) => [approval.approvalId, approval]));
  const answered = parts.map((part) => {
    if (!isToolUIPart(part) || part.state !== 'approval-requested') return part;
    const approval = byId.get(part.approval.id);
    if (!approval) {
      throw invalidField('message.parts', `the tool call ${part.toolCallId} still waits for approval`);
    }
    byId.delete(part.approval.id);
    const { approved, reason } = approval;
    return {
      ...part,
      state: 'approval-responded' as const,
      approval: { ...part.approval, approved, reason },
    };
  });
  // Words on earlier calls come along, as clients send the whole message; they change nothing.
  if (byId.size === approvals.length)
    throw invalidField('message.parts', 'nothing of this waits for approval');
  return answered;
}

/** The agent that had begun an answer goes on with it, and so does its model where the client names no other. */
export function toGoOn(request: TurnRequest, { agentType, model }: AnswerMetadata): TurnRequest {
  return { ...request, agent: agentType, model: request.model ?? model };
}

/**
 * The parts of an answer that was to go on, as they were before the user's word, if nothing has come of it: then no call
 * was made, and it can be approved again.
 */
export function stillWaiting(
  parts: Parts,
  { waiting, history }: { waiting?: Parts; history: UIMessage[] },
): Parts | undefined {
  return waiting && toJson(parts) === toJson(history.at(-1)?.parts) ? waiting : undefined;
}
