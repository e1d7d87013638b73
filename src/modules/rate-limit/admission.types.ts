import type { AgentType } from '../admin-config/config-schemas.js';

/** Requests of one user to one agent in an hour and in a day (UTC). 0 refuses all. */
export interface RequestLimits {
  hourly: number;
  daily: number;
}

/** USD that one user may spend with one agent in a day and in a month (UTC); what is absent is not limited. */
export interface Budget {
  daily?: number;
  monthly?: number;
}

export interface AdmissionRequest {
  userId: string;
  agentType: AgentType;
  /** As they are configured now: a change applies from the next request on. */
  limits: RequestLimits;
  budget?: Budget;
  /** USD that must fit into the budget, beside what is spent and what the user's other runs have reserved. */
  expectedCost: string | number;
  /** USD that it can come to; reserved until the run ends. As much as is expected when absent. */
  reservedCost?: string | number;
}

/** The run that is to be admitted, as its row says it. */
export interface AdmittedRun {
  id: string;
  /** The answer that it writes. */
  messageId?: string;
  /** The calls that are sent with the admission, by their ids, as JSON. */
  sentCalls?: string;
}

/** What refused a request. */
export type Refusal = 'hourly' | 'daily' | 'daily_budget' | 'monthly_budget';

/** The answer of the database; `used` counts this request if it was admitted. */
export interface AdmissionResult {
  refusedBy: Refusal | null;
  /** True when a budget refuses only because of what running answers have reserved of it. */
  isHeld: boolean;
  /** False when a run that was to reserve more is over. */
  isReserved: boolean;
  hourlyUsed: number;
  dailyUsed: number;
  /** Seconds until the hour, the day and the month are over. */
  hourlySeconds: number;
  dailySeconds: number;
  monthlySeconds: number;
}

/** What a run that was admitted asks for besides, before it spends it. */
export interface ExtensionRequest {
  userId: string;
  agentType: AgentType;
  runId: string;
  budget: Budget;
  /** USD of the further call, and of the run's own calls that are under way. */
  expectedCost: string;
  /** USD that the further call can come to. */
  reservedCost: string;
  /** USD that the run had reserved for calls that are booked by now. */
  freedCost: string;
}

/** One window of one agent, as a user sees it. */
export interface UsedWindow {
  agentType: AgentType;
  limitType: 'hourly' | 'daily';
  used: number;
  resetsAt: Date;
}

/** One window as it is stored. */
export interface CountedWindow {
  id: string;
  agentType: AgentType;
  limitType: 'hourly' | 'daily';
  periodStart: Date;
  periodEnd: Date;
  requestCount: number;
  /** The limit at the time of the latest request. */
  limitValue: number;
  createdAt: Date;
}
