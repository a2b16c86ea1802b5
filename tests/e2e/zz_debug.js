import { sees } from './harness/media.js';
import { stage } from './harness/scenario.js';
const s = stage('dbg');
const dump = (v, l) => v.evaluate(() => { const pc = client.room.engine.pcManager.publisher._pc ?? client.room.engine.pcManager.publisher.pc; const f = (d) => d.sdp.split(/\r\nm=/).slice(1).map(m => m.split(' ')[0] + ' ' + /a=mid:(\S+)/.exec(m)?.[1] + ' ' + (/a=(sendonly|recvonly|inactive|sendrecv)/.exec(m)?.[1]) + ' ' + (/a=msid:(.*)/.exec(m)?.[1] ?? '') + ' ' + (/a=ssrc:(\d+)/.exec(m)?.[1] ?? '')); return { l: f(pc.localDescription), r: f(pc.remoteDescription), t: pc.getTransceivers().map(t => [t.mid, t.direction, t.currentDirection, t.receiver.track.muted]), ids: client.room.engine.midToTrackId, state: pc.signalingState }; }).then(r => console.log(l, JSON.stringify(r, null, 0)));
s.scenario('dbg', async (scene) => {
  const ann = await scene.join('ann', {});
  await ann.evaluate(() => client.camera());
  const ben = await scene.join('ben', { connect: { autoSubscribe: false } });
  await ben.until('to know of the camera', () => client.publication('ann', 'camera'));
  await dump(ben, 'start');
  await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(true));
  await sees(ben, 'ann');  console.log(JSON.stringify(await ben.evaluate(async () => (await client.inbound()).map(x => [x.kind, x.mid, x.ssrc, x.packetsReceived, x.framesReceived, x.framesDecoded]))));
  await dump(ben, 'subscribed');
  await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(false));
  await ben.until('the track to be gone', () => client.said('trackUnsubscribed').length === 1);
  await new Promise(r => setTimeout(r, 500));
  await dump(ben, 'unsubscribed');
  await ben.evaluate(() => client.publication('ann', 'camera').setSubscribed(true));
  for (let i = 0; i < 8; i++) {
  await new Promise(r => setTimeout(r, 500));
  console.log(JSON.stringify(await ben.evaluate(async () => (await client.inbound()).map(x => [x.kind, x.mid, x.ssrc, x.packetsReceived, x.framesReceived, x.framesDecoded, x.keyFramesDecoded, x.pliCount, x.nackCount, x.packetsDiscarded, x.framesDropped, x.packetsLost, x.retransmittedPacketsReceived]))));
  console.log(JSON.stringify(await ben.evaluate(() => { const p = client.publication('ann','camera'); const m = p.track?.mediaStreamTrack; const v = [...document.querySelectorAll('video')]; return [client.seen('ann').frames, m?.enabled, m?.muted, m?.readyState, m?.id, p.isEnabled, v.map(e => [e.paused, e.readyState, e.videoWidth, e.srcObject?.getTracks().map(t=>t.id+t.enabled+t.readyState), e.currentTime])]; })));
  }
  console.log(JSON.stringify(await ben.evaluate(() => client.events.map(e => e.event).slice(-12))));
});
