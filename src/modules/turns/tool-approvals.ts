import { createHash } from 'node:crypto';
import { getToolName, isToolUIPart, type UIMessage } from 'ai';
import { invalidField } from '../../common/errors/app-error.js';
import { canonicalJson } from '../../common/database/canonical-json.js';
import { toJson } from '../../common/database/stored-json.js';
import { closed, isFinished, type ToolPart } from './stored-parts.js';
import type { ApprovedCall } from '../agents/agent.js';
import type { AnswerMetadata, ToolApproval, TurnRequest } from './turn.types.js';

type Parts = UIMessage['parts'];

/** The database's limit for ids and names of calls; a longer one can be shown, but not approved. */
const MAX_ID = 200;

/** A call that this server has asked its user to approve, as it remembers it beside the message. */
export interface AskedApproval {
  approvalId: string;
  toolCallId: string;
  toolName: string;
  /** Of the whole part that the message has for it. */
  callHash: string;
  /** Of the answer that asks: who goes on with it, and what it has used so far. */
  answer: AnswerMetadata;
}

/** The parts of an answer with the user's word in them. */
export interface AnsweredCalls {
  parts: Parts;
  /** Those of them that the user has approved or denied just now. */
  answered: ReadonlySet<Parts[number]>;
  /** The calls that may be made, by their ids. */
  approved: Map<string, ApprovedCall>;
}

/** What is to be remembered of the calls that an answer ends with. */
export function askedFor(parts: ToolPart[], answer: AnswerMetadata): AskedApproval[] {
  return parts.flatMap((part) => {
    if (part.state !== 'approval-requested') return [];
    const approvalId = part.approval.id;
    const { toolCallId } = part;
    const toolName = getToolName(part);
    if ([approvalId, toolCallId, toolName].some((text) => text.length > MAX_ID)) return [];
    return [{ approvalId, toolCallId, toolName, callHash: hashOf(part), answer }];
  });
}

/**
 * Puts the user's word into the calls that wait for it. A call waits when this server has asked for it, and stands in the
 * message as it was asked for: nothing else that the message says about calls and approvals counts. What else is without a
 * result is closed.
 *
 * @throws AppError 400 for a word on something that does not wait for one, or when a call is left without
 */
export function applyApprovals(
  parts: Parts,
  approvals: ToolApproval[],
  asked: AskedApproval[],
): AnsweredCalls {
  const byId = new Map(approvals.map((approval) => [approval.approvalId, approval]));
  const waiting = new Map(asked.map((call) => [call.approvalId, call]));
  const callIds = new Set(asked.map(({ toolCallId }) => toolCallId));
  const approved = new Map<string, ApprovedCall>();
  const answered = new Set<Parts[number]>();
  const goingOn = parts.flatMap((part): Parts => {
    if (!isToolUIPart(part)) return [part];
    if (part.state !== 'approval-requested' || !isAsked(part, waiting.get(part.approval.id))) {
      // A second call of the same id would be taken for the one that is approved.
      if (callIds.has(part.toolCallId)) return [];
      return [isFinished(part) ? part : closed(part)];
    }
    waiting.delete(part.approval.id);
    const approval = byId.get(part.approval.id);
    if (!approval) {
      throw invalidField('message.parts', `the tool call ${part.toolCallId} is still waiting for approval`);
    }
    if (approval.approved) approved.set(part.toolCallId, { toolName: getToolName(part), input: part.input });
    const call: Parts[number] = {
      ...part,
      state: 'approval-responded' as const,
      approval: { ...part.approval, approved: approval.approved, reason: approval.reason },
    };
    answered.add(call);
    return [call];
  });
  // Words on earlier calls come along, as clients send the whole message; they change nothing.
  if (answered.size === 0) throw invalidField('message.parts', 'none of these calls is waiting for approval');
  return { parts: upToStepOf(goingOn, answered), answered, approved };
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
  resumed: { waiting: Parts; json: string } | undefined,
): Parts | undefined {
  return resumed && toJson(parts) === resumed.json ? resumed.waiting : undefined;
}

/** An answer ends with the step that asks. What stands behind it was put there, and would hide the approval from the AI SDK. */
function upToStepOf(parts: Parts, answered: ReadonlySet<Parts[number]>): Parts {
  const first = parts.findIndex((part) => answered.has(part));
  const next = parts.findIndex(({ type }, index) => index > first && type === 'step-start');
  return next < 0 ? parts : parts.slice(0, next);
}

function isAsked(part: ToolPart, asked: AskedApproval | undefined): boolean {
  if (asked?.toolCallId !== part.toolCallId || asked.toolName !== getToolName(part)) return false;
  try {
    return hashOf(part) === asked.callHash;
  } catch {
    // Nested too deeply to be written: not what this server has asked for.
    return false;
  }
}

function hashOf(part: ToolPart): string {
  return createHash('sha256').update(canonicalJson(part)).digest('hex');
}
