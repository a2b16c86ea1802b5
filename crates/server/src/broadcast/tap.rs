//! A tap on the tracks that people publish in a room by WebRTC.
//!
//! It is a hidden participant of the room. It subscribes to the sound and the
//! picture of one person at a time (whose they are says [`choice`]) and makes
//! frames of the packets, once for all who watch.

mod choice;
mod track;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use surecast_media::frame::{Item, MediaTime};
use surecast_media::local::{LocalInput, LocalOutput};
use surecast_room::proto::{self, signal_request, signal_response};
use surecast_room::{Grants, Join, ServiceCall, ServiceReply, VideoGrant};
use tokio::sync::mpsc;

use super::program::{Formats, Program, SourceId};
use super::room_track::Anchor;
use super::{Broadcast, Refusal, encoder, message};
use crate::clock;
use crate::control::{Admission, Control};
use crate::media_plane::MediaPlane;
use choice::{Choice, People};
use track::TapTrack;

/// Packets on their way from the shard: two seconds at 8 Mbps. What does not fit
/// is lost as on a network, and costs a keyframe.
const PACKETS: usize = 2048;

/// How often waits are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Sound is there before its picture, which waits for a keyframe. Whoever begins
/// to watch or record in between would take the stream for sound alone, so
/// nothing goes out before the picture does, for at most so long.
const PICTURE: Duration = Duration::from_secs(3);

/// Nobody watched for so long: the tap leaves the room.
const IDLE: Duration = Duration::from_secs(15);

impl Broadcast {
    /// Feeds the room's program from its participants' tracks.
    ///
    /// # Errors
    /// Nobody publishes there.
    pub(super) async fn tap(&self, room: &str) -> Result<Arc<Program>, Refusal> {
        let not_live = || Refusal::NotLive { room: room.into() };
        if !self.is_published(room).await? {
            return Err(not_live());
        }
        let program = self.program(room);
        if program.is_live() || !self.lock().taps.insert(room.to_owned()) {
            // An encoder came in the meantime, or another viewer's tap.
            return Ok(program);
        }
        let source = self.next_source();
        let admission = match self.0.control.join(join(room, source)).await {
            Ok(Ok(admission)) => admission,
            refused => {
                self.lock().taps.remove(room);
                return Err(refused?.err().map_or_else(not_live, Refusal::from));
            }
        };
        let task = Tap::new(
            program.clone(),
            source,
            admission,
            &self.0.control,
            &self.0.media,
        );
        let (this, room) = (self.clone(), room.to_owned());
        tokio::spawn(async move {
            let program = task.run().await;
            this.lock().taps.remove(&room);
            program.release(source);
            this.end_when_vacant(&room);
        });
        Ok(program)
    }

    /// Whether anybody publishes in the room.
    async fn is_published(&self, room: &str) -> Result<bool, Refusal> {
        let video = VideoGrant {
            room_admin: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        };
        let grants = Grants {
            video: Some(video),
            ..Grants::default()
        };
        let request = proto::ListParticipantsRequest { room: room.into() };
        let call = ServiceCall::ListParticipants(request);
        // The room does not exist: nobody publishes there.
        let Ok(ServiceReply::ListParticipants(list)) = self.0.control.service(grants, call).await?
        else {
            return Ok(false);
        };
        Ok(list.participants.iter().any(|p| !p.tracks.is_empty()))
    }
}

fn join(room: &str, source: SourceId) -> Join {
    let video = VideoGrant {
        room_join: true,
        room: room.to_owned(),
        can_publish: Some(false),
        can_publish_data: Some(false),
        can_subscribe: Some(true),
        hidden: true,
        recorder: true,
        ..VideoGrant::default()
    };
    Join {
        grants: Grants {
            identity: format!("surecast-tap-{}", source.0),
            kind: "egress".into(),
            video: Some(video),
            ..Grants::default()
        },
        room: room.to_owned(),
        protocol: 16,
        single_connection: true,
        local: true,
        ..Join::default()
    }
}

/// The tap's task.
struct Tap {
    program: Arc<Program>,
    source: SourceId,
    admission: Admission,
    control: Control,
    media: Weak<MediaPlane>,
    packets: mpsc::Receiver<LocalOutput>,
    anchor: Anchor,
    people: People,
    choice: Choice,
    chosen: Instant,
    tracks: Vec<TapTrack>,
    formats: Formats,
    watched: Instant,
}

impl Tap {
    fn new(
        program: Arc<Program>,
        source: SourceId,
        admission: Admission,
        control: &Control,
        media: &Weak<MediaPlane>,
    ) -> Self {
        let (to, packets) = mpsc::channel(PACKETS);
        if let Some((room, peer)) = admission.media
            && let Some(media) = media.upgrade()
        {
            media.open_local(room, peer, to);
        }
        let now = clock::now().at;
        Self {
            program,
            source,
            admission,
            control: control.clone(),
            media: media.clone(),
            packets,
            anchor: Anchor::new(now, MediaTime(encoder::unix_micros())),
            people: People::default(),
            choice: Choice::default(),
            chosen: now,
            tracks: Vec::new(),
            formats: Formats::new(),
            watched: now,
        }
    }

    async fn run(mut self) -> Arc<Program> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = self.admission.outbox.recv() => match message {
                    Some(message) => self.message(message).await,
                    None => break,
                },
                Some(output) = self.packets.recv() => self.output(output),
                _ = tick.tick() => {
                    if !self.tick(clock::now().at) {
                        break;
                    }
                }
            }
        }
        let session = self.admission.session;
        let leave = signal_request::Message::Leave(proto::LeaveRequest::default());
        self.say(leave).await;
        self.control.closed(session).await;
        self.program
    }

    async fn message(&mut self, message: proto::SignalResponse) {
        use signal_response::Message;
        match message.message {
            Some(Message::Join(join)) => self.people.update(join.other_participants),
            Some(Message::Update(update)) => self.people.update(update.participants),
            _ => return,
        }
        let choice = self.people.choose(&self.choice);
        if choice == self.choice {
            return;
        }
        self.chosen = clock::now().at;
        let old = std::mem::replace(&mut self.choice, choice);
        self.wish(old.sids(), false).await;
        self.wish(self.choice.sids(), true).await;
        self.retain_tracks();
    }

    /// What is no longer chosen ends, unless another track takes its place.
    fn retain_tracks(&mut self) {
        let choice = &self.choice;
        self.tracks.retain(|track| choice.has(&track.sid));
        let gone: Vec<_> = self
            .formats
            .keys()
            .copied()
            .filter(|number| !choice.numbers().contains(number))
            .collect();
        for track in gone {
            self.formats.remove(&track);
            self.program
                .push(self.source, &self.formats, Item::End { track });
        }
        if self.choice == Choice::default() {
            self.program.release(self.source);
        }
    }

    async fn wish(&mut self, track_sids: Vec<String>, subscribe: bool) {
        if track_sids.is_empty() {
            return;
        }
        let update = proto::UpdateSubscription {
            track_sids,
            subscribe,
            ..Default::default()
        };
        self.say(signal_request::Message::Subscription(update))
            .await;
    }

    fn output(&mut self, output: LocalOutput) {
        match output {
            LocalOutput::Packet { packet, .. } => {
                let Some(number) = self.choice.number(&packet.sid) else {
                    return;
                };
                let known = self
                    .tracks
                    .iter()
                    .position(|t| t.sid == packet.sid && t.is_for(&packet));
                let at = match known {
                    Some(at) => at,
                    None => {
                        self.tracks.retain(|track| track.sid != packet.sid);
                        let Some(track) = TapTrack::new(&packet, number) else {
                            return;
                        };
                        self.tracks.push(track);
                        self.tracks.len() - 1
                    }
                };
                self.tracks[at].packet(packet, &self.anchor);
                self.take(at);
            }
            LocalOutput::Data { payload, .. } => {
                if let Some(data) = message::timed_data(&payload) {
                    let pts = MediaTime(encoder::unix_micros());
                    let item = Item::Data { pts, data };
                    self.program.push(self.source, &self.formats, item);
                }
            }
            LocalOutput::KeyframeWanted { .. } => {}
        }
    }

    /// What the track has ready goes to the program.
    fn take(&mut self, at: usize) {
        let now = clock::now().at;
        while let Some(item) = self.tracks[at].poll(now) {
            if let Item::Format { track, format } = &item {
                self.formats.insert(*track, format.clone());
            }
            if self.awaits_picture(now) {
                continue;
            }
            self.program.push(self.source, &self.formats, item);
        }
    }

    fn awaits_picture(&self, now: Instant) -> bool {
        let shown = self.formats.keys().any(|number| *number == choice::VIDEO);
        self.choice.has_picture() && !shown && now.saturating_duration_since(self.chosen) < PICTURE
    }

    /// Whether to go on.
    fn tick(&mut self, now: Instant) -> bool {
        for at in 0..self.tracks.len() {
            self.tracks[at].handle_timeout(now);
            self.take(at);
            if self.tracks[at].wants_keyframe(now) {
                self.ask_for_keyframe(at);
            }
        }
        if self.program.out().readers() > 0 {
            self.watched = now;
        }
        now.saturating_duration_since(self.watched) < IDLE && !self.program.has_ended()
    }

    fn ask_for_keyframe(&self, at: usize) {
        if let Some((room, peer)) = self.admission.media
            && let Some(media) = self.media.upgrade()
        {
            let sid = self.tracks[at].sid.clone();
            media.local(room, LocalInput::KeyframeWanted { peer, sid });
        }
    }

    async fn say(&mut self, message: signal_request::Message) {
        let request = proto::SignalRequest {
            message: Some(message),
        };
        // Stopping: there is nobody to say it to.
        let _ = self.control.signal(self.admission.session, request).await;
    }
}
