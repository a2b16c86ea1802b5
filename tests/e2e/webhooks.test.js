// Webhooks: signed, in order, tried again, kept across a restart.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { WebhookReceiver } from 'livekit-server-sdk';

import { stage } from './harness/scenario.js';
import { KEY, SECRET, Server } from './harness/server.js';
import { until } from './harness/wait.js';

/** An HTTP server that verifies every event with the SDK and keeps it. */
class Receiver {
  events = [];
  /** Statuses of the next answers; 200 when empty. */
  statuses = [];
  /** While set, requests are taken and not answered. */
  silent = false;
  #verifier = new WebhookReceiver(KEY, SECRET);
  #server = createServer((request, response) => {
    this.#take(request, response).catch((error) => {
      this.events.push({ event: 'unverified', error: String(error) });
      response.writeHead(400).end();
    });
  });

  async open() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}/hook`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    assert.equal(request.headers['content-type'], 'application/webhook+json');
    const event = await this.#verifier.receive(body, request.headers.authorization);
    const status = this.statuses.shift() ?? 200;
    this.events.push({ ...event, status });
    if (!this.silent) response.writeHead(status).end();
  }

  /** Names of the accepted events of a room, in the order of arrival. */
  accepted(room) {
    return this.events
      .filter((event) => event.room?.name === room && event.status === 200)
      .map((event) => [event.event, event.participant?.identity].filter(Boolean).join(' '));
  }
}

const receiver = new Receiver();
after(() => receiver.close());
const { scenario } = stage('webhooks', {
  server: async () => {
    await receiver.open();
    return { env: { SURECAST_WEBHOOK__URLS: receiver.url } };
  },
});

scenario('a call is told from beginning to end, in order', async (scene) => {
  const { room } = scene;
  const ann = await scene.join('ann');
  const trackSid = await ann.evaluate(() => client.microphone());
  // A track taken back before a description carried it was never there for anybody.
  await arrives(receiver, room, 'track_published ann');
  await ann.evaluate(() => client.room.localParticipant.unpublishTrack(client.publicationOfMine('microphone').track));
  await ann.evaluate(() => client.room.disconnect());
  await scene.server.rooms.deleteRoom(room);
  const story = [
    'room_started', 'participant_joined ann', 'track_published ann', 'track_unpublished ann',
    'participant_left ann', 'room_finished',
  ];
  await arrives(receiver, room, 'room_finished');
  assert.deepEqual(receiver.accepted(room), story);
  const events = receiver.events.filter((event) => event.room?.name === room);
  assert.equal(new Set(events.map((event) => event.id)).size, events.length, 'every event has an id of its own');
  assert.equal(events.find((event) => event.event === 'track_published').track.sid, trackSid);
  assert.ok(events.every((event) => event.createdAt > 0n && event.room.sid.startsWith('RM_')));
});

scenario('an event that was refused is tried again, the next ones wait for it', async (scene) => {
  const { room } = scene;
  receiver.statuses = [500, 503];
  const ann = await scene.join('ann');
  await ann.evaluate(() => client.room.disconnect());
  await arrives(receiver, room, 'participant_left ann', 20_000);
  assert.deepEqual(receiver.accepted(room), ['room_started', 'participant_joined ann', 'participant_left ann']);
  const ids = receiver.events.filter((event) => event.room?.name === room).map((event) => event.id);
  assert.equal(ids[0], ids[1]);
  assert.equal(ids[1], ids[2]);
});

scenario('a receiver that does not answer holds up nobody', async (scene) => {
  receiver.silent = true;
  try {
    const ann = await scene.join('ann');
    const ben = await scene.join('ben');
    await ann.until('ben', () => client.remote('ben'));
    await ben.evaluate(() => client.microphone());
  } finally {
    receiver.silent = false;
  }
});

scenario('what was not delivered is delivered after a restart', async (scene) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'surecast-e2e-'));
  scene.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const late = new Receiver();
  await late.open();
  scene.defer(() => late.close());
  const options = { dataDir, env: { SURECAST_WEBHOOK__URLS: late.url } };
  late.silent = true;
  const first = await Server.start('webhooks-first', options);
  const { room } = scene;
  await first.rooms.createRoom({ name: room });
  await until('the first attempt', () => late.events.length > 0);
  await first.stop();

  late.silent = false;
  late.events = [];
  const second = await Server.start('webhooks-second', options);
  scene.defer(() => second.stop());
  await arrives(late, room, 'room_started', 20_000);
}, { seconds: 60 });

/** Waits for an event of a room; says what came instead. */
async function arrives(receiver, room, event, withinMs) {
  await until(`${event} to arrive`, () => receiver.accepted(room).includes(event), withinMs).catch((error) => {
    const came = receiver.events.map((e) => [e.event, e.status, e.participant?.identity, e.error].filter(Boolean).join(' '));
    throw new Error(`${error.message}; came: ${came.join(', ')}`);
  });
}
