import { describe, expect, it } from 'vitest';
import type { Incident, Settlement, Ticket } from '../api';
import { incidentActions, mayDeclare, mayRegister, ROLES, settlementSteps, ticketActions } from './roles';

const incident = (state: Incident['state'], severity: Incident['severity'] = 'S2') => ({ state, severity });
const ticket = (state: Ticket['state']) => ({ state });
const settled = (status: Settlement['status']) => ({ status });

describe('incidentActions', () => {
  it('follows the state', () => {
    expect(incidentActions('agent', incident('detected'))).toEqual(['acknowledge', 'update', 'mitigate', 'lower']);
    expect(incidentActions('agent', incident('acknowledged'))).toEqual(['update', 'mitigate', 'lower']);
    expect(incidentActions('agent', incident('mitigated', 'S4'))).toEqual(['update', 'resolve']);
    expect(incidentActions('agent', incident('reviewed'))).toEqual([]);
  });

  it('leaves the review to those who did not answer it alone', () => {
    expect(incidentActions('agent', incident('resolved'))).toEqual([]);
    expect(incidentActions('operator', incident('resolved'))).toEqual(['review']);
    expect(incidentActions('expert', incident('resolved'))).toEqual(['review']);
  });

  it('gives the customer the severity and the auditor nothing', () => {
    expect(incidentActions('customer', incident('detected'))).toEqual(['lower']);
    expect(incidentActions('auditor', incident('detected'))).toEqual([]);
  });
});

describe('ticketActions', () => {
  it('lets the provider ask and the customer close', () => {
    expect(ticketActions('agent', ticket('new'))).toEqual(['reply', 'ask', 'resolve', 'mark']);
    expect(ticketActions('agent', ticket('waiting_customer'))).toEqual(['reply', 'resolve', 'mark']);
    expect(ticketActions('customer', ticket('open'))).toEqual(['reply', 'resolve']);
    expect(ticketActions('customer', ticket('resolved'))).toEqual(['reply', 'close']);
  });

  it('ends with the ticket, and never begins for the auditor', () => {
    for (const role of ROLES) expect(ticketActions(role, ticket('closed'))).toEqual([]);
    expect(ticketActions('auditor', ticket('new'))).toEqual([]);
  });
});

describe('settlementSteps', () => {
  it('are the provider’s but for the dispute', () => {
    expect(settlementSteps('operator', settled('provisional'))).toEqual(['finalise', 'correct']);
    expect(settlementSteps('operator', settled('final'))).toEqual(['credit']);
    expect(settlementSteps('account_manager', settled('disputed'))).toEqual(['correct']);
    expect(settlementSteps('customer', settled('credited'))).toEqual(['dispute']);
    expect(settlementSteps('customer', settled('disputed'))).toEqual([]);
    expect(settlementSteps('agent', settled('provisional'))).toEqual([]);
  });
});

describe('what is known beforehand', () => {
  it('is declared by the provider, and events by the customer, too', () => {
    expect(ROLES.filter(mayDeclare)).toEqual(['operator', 'account_manager']);
    expect(ROLES.filter(mayRegister)).toEqual(['operator', 'account_manager', 'customer']);
  });
});
