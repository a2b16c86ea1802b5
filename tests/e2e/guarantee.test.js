// The guarantee's pages, as a customer and an agent use them.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { contractFor } from './harness/contract.js';
import { stage } from './harness/scenario.js';

const CONTRACT = 'acme';
const contract = contractFor(CONTRACT, 'eu-central');
after(contract.remove);

const { scenario } = stage('guarantee', { server: { env: contract.env } });

scenario('the front page leads to the contract, whose lines, map and commands are shown', async (scene) => {
  const visitor = await scene.page('operator', scene.server.http, { locale: 'en-US' });
  await visitor.page.getByTestId('guarantee-link').click();
  await visitor.page.getByTestId('g-contract').first().click();
  await visitor.page.getByTestId('g-line').first().waitFor();
  await visitor.page.getByTestId('g-summary').waitFor();
  await visitor.page.getByTestId('g-tab-verify').click();
  await visitor.page.getByTestId('g-vkey').waitFor();
  const shown = await visitor.page.getByTestId('g-vkey').innerText();
  const served = await (await fetch(`${scene.server.http}/log/vkey`)).text();
  assert.equal(shown, served.trim());
  await visitor.page.getByTestId('lang-switch').click();
  await visitor.until('Chinese', () => /[\u4e00-\u9fff]/.test(document.querySelector('h3')?.innerText ?? ''));
});

scenario('a customer opens a ticket, the agent sees it, and a mark is refused in words', async (scene) => {
  const subject = `Frozen pictures <img src=x onerror="document.title='run'"> ${scene.room}`;
  const customer = await enter(scene, 'customer', 'Priya');
  await customer.page.getByTestId('g-tab-tickets').click();
  await customer.page.getByTestId('g-new-ticket').click();
  await customer.page.getByTestId('g-subject').fill(subject);
  await customer.page.getByTestId('g-body').fill('Since ten minutes.\n<b>all</b> of them');
  await customer.page.getByTestId('g-open-ticket').click();
  await shows(customer, 'g-ticket-subject', subject);
  await shows(customer, 'g-talk', '<b>all</b> of them');

  const agent = await enter(scene, 'agent', 'Jonas');
  await agent.page.getByTestId('g-tab-tickets').click();
  await agent.page.getByTestId('g-ticket').filter({ hasText: scene.room }).click();
  await shows(agent, 'g-talk', '<b>all</b> of them');
  assert.equal(await agent.evaluate(() => document.querySelectorAll('main img, [data-testid="g-talk"] b').length), 0);
  await ticks(agent);

  await agent.page.getByTestId('g-mark').click();
  await shows(agent, 'g-refused', 'by evidence');
  await agent.page.getByTestId('g-reply').fill('We are looking at it.');
  await agent.page.getByTestId('g-send-reply').click();
  await shows(customer, 'g-talk', 'We are looking at it.');
  await customer.page.getByTestId('g-resolve').click();
  await customer.page.getByTestId('g-close').click();
  await customer.until('the end of it', () => document.querySelector('[data-state="closed"]'));
}, { seconds: 60 });

scenario('an auditor reads and has nothing to press', async (scene) => {
  const auditor = await enter(scene, 'auditor', 'Ada');
  await auditor.page.getByTestId('g-tab-tickets').click();
  await auditor.until('the list', () => document.querySelector('[data-testid="g-search"]'));
  assert.equal(await auditor.page.getByTestId('g-new-ticket').count(), 0);
  await auditor.page.getByTestId('g-tab-calendar').click();
  await auditor.until('the calendar', () => document.querySelector('#g-maintenance'));
  assert.equal(await auditor.page.getByTestId('g-declare').count(), 0);
});

/** A page of the contract, for somebody in a role. */
async function enter(scene, role, name) {
  const visitor = await scene.page(name, `${scene.server.http}/guarantee`, { locale: 'en-US' });
  await visitor.page.getByTestId('g-who').click();
  await visitor.page.locator(`input[name="g-role"][value="${role}"]`).check();
  await visitor.page.getByTestId('g-name').fill(name);
  if (role === 'customer') await visitor.page.getByLabel(CONTRACT, { exact: true }).check();
  await visitor.page.locator('dialog button[type="submit"]').click();
  await visitor.page.getByTestId('g-contract').filter({ hasText: CONTRACT }).click();
  return visitor;
}

function shows(visitor, testId, text) {
  return visitor.until(`${testId} to show ${JSON.stringify(text)}`, ([testId, text]) =>
    document.querySelector(`[data-testid="${testId}"]`)?.innerText.includes(text), [testId, text], 15_000);
}

/** A running clock shows another time than it did. */
function ticks(visitor) {
  return visitor.until('a clock to tick', () => {
    const clock = document.querySelector('[data-testid="g-clock"][data-state="running"] [role="timer"]')?.innerText;
    globalThis.firstTime ??= clock;
    return clock && clock !== globalThis.firstTime;
  });
}
