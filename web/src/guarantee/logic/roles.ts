import type { Incident, Settlement, Ticket } from '../api';

/** Who may do what: it decides which buttons are there. The server decides for good. */

export const ROLES = ['operator', 'agent', 'account_manager', 'expert', 'customer', 'auditor'] as const;
export type GuaranteeRole = (typeof ROLES)[number];

export const INCIDENT_ACTIONS = ['acknowledge', 'update', 'mitigate', 'resolve', 'lower', 'review'] as const;
export type IncidentAction = (typeof INCIDENT_ACTIONS)[number];

export const TICKET_ACTIONS = ['reply', 'ask', 'resolve', 'close', 'mark'] as const;
export type TicketAction = (typeof TICKET_ACTIONS)[number];

export type SettlementStep = 'finalise' | 'credit' | 'correct' | 'dispute';

/** A human on the provider's side: only their word is a response. */
export function responds(role: GuaranteeRole): boolean {
  return role === 'operator' || role === 'agent' || role === 'account_manager' || role === 'expert';
}

/** Whose word lets a severity fall, once it measures clear. */
export function mayLower(role: GuaranteeRole): boolean {
  return role === 'customer' || role === 'expert';
}

export function mayDeclare(role: GuaranteeRole): boolean {
  return role === 'operator' || role === 'account_manager';
}

export function mayRegister(role: GuaranteeRole): boolean {
  return mayDeclare(role) || role === 'customer';
}

/** Whether somebody still has to do something about the failure itself. */
export function isOpen({ state }: Pick<Incident, 'state'>): boolean {
  return state !== 'resolved' && state !== 'reviewed';
}

/**
 * What makes sense in this state. `lower` is there for everybody who may write, although
 * agents are refused: a refusal is recorded, and they see why it is not theirs to do.
 */
export function incidentActions(role: GuaranteeRole, incident: Pick<Incident, 'state' | 'severity'>): IncidentAction[] {
  if (role === 'auditor') return [];
  const open = isOpen(incident);
  const here: Record<IncidentAction, boolean> = {
    acknowledge: incident.state === 'detected' && responds(role),
    update: open && responds(role),
    mitigate: (incident.state === 'detected' || incident.state === 'acknowledged') && responds(role),
    resolve: incident.state === 'mitigated' && responds(role),
    lower: open && incident.severity !== 'S4',
    review: incident.state === 'resolved' && responds(role) && role !== 'agent',
  };
  return INCIDENT_ACTIONS.filter((action) => here[action]);
}

export function ticketActions(role: GuaranteeRole, ticket: Pick<Ticket, 'state'>): TicketAction[] {
  if (role === 'auditor' || ticket.state === 'closed') return [];
  const customer = role === 'customer';
  const here: Record<TicketAction, boolean> = {
    reply: true,
    ask: responds(role) && (ticket.state === 'new' || ticket.state === 'open'),
    resolve: ticket.state !== 'resolved',
    close: customer && ticket.state === 'resolved',
    mark: !customer,
  };
  return TICKET_ACTIONS.filter((action) => here[action]);
}

export function settlementSteps(role: GuaranteeRole, { status }: Pick<Settlement, 'status'>): SettlementStep[] {
  if (role === 'customer') return status === 'disputed' ? [] : ['dispute'];
  if (role !== 'operator' && role !== 'account_manager') return [];
  switch (status) {
    case 'provisional':
    case 'recomputed':
      return ['finalise', 'correct'];
    case 'final':
      return ['credit'];
    case 'disputed':
      return ['correct'];
    default:
      return [];
  }
}
