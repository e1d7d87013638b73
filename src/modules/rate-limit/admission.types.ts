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
  /** USD that must fit into the budget, beside what is spent and what the user's other turns have reserved. */
  expectedCost: string | number;
  /** USD that it can come to; reserved until the turn is settled. As much as is expected when absent. */
  reservedCost?: string | number;
}

/** What refused a request. */
export type Refusal = 'hourly' | 'daily' | 'daily_budget' | 'monthly_budget';

/** The answer of the database; `used` counts this request if it was let in. */
export interface AdmissionResult {
  refusedBy: Refusal | null;
  /** True when a budget refuses only because of what running turns have reserved of it. */
  isHeld: boolean;
  /** The two windows that the request was counted in; null when it was refused. */
  windowIds: string[] | null;
  reservationId: string | null;
  hourlyUsed: number;
  dailyUsed: number;
  /** Seconds until the hour, the day and the month are over. */
  hourlySeconds: number;
  dailySeconds: number;
  monthlySeconds: number;
}

/** What a user has used of one agent at this moment. */
export interface AgentUse {
  hourlyUsed: number;
  dailyUsed: number;
  /** `numeric`, as text. */
  spentToday: string;
  spentThisMonth: string;
  /** What running turns may still spend. */
  reserved: string;
  hourlySeconds: number;
  dailySeconds: number;
  monthlySeconds: number;
}

/** What a turn that was let in asks for besides, before it spends it. */
export interface ExtensionRequest {
  userId: string;
  agentType: AgentType;
  reservationId: string;
  budget: Budget;
  /** USD of the further call, and of the turn's own calls that are under way. */
  expectedCost: string;
  /** USD that the further call can come to. */
  reservedCost: string;
  /** USD that the turn had reserved for calls that are accounted by now. */
  freedCost: string;
}

export interface ExtensionResult {
  refusedBy: Extract<Refusal, `${string}_budget`> | null;
  /** True when only other running turns stand in the way. */
  isHeld: boolean;
  /** False as well when there is no reservation that could grow. */
  isReserved: boolean;
  /** Seconds until the day and the month are over. */
  dailySeconds: number;
  monthlySeconds: number;
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
