//! An encoder: its items go to the program as they are, and into the room as
//! RTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use surecast_media::frame::{Format, Frame, Item, MediaTime, TrackNumber};
use surecast_media::id::{PeerId, RoomId};
use surecast_media::local::{LocalInput, LocalOutput};
use surecast_room::proto::{self, signal_request, signal_response};
use tokio::sync::{mpsc, watch};

use super::anew::{Anew, Made};
use super::program::{Formats, MAX_TRACKS, Program, SourceId};
use super::room_track::{Anchor, Barrier, RoomTrack, barrier};
use super::status::Gauge;
use super::timeline::{Step, Timeline};
use super::transcode;
use crate::clock;
use crate::control::{Admission, Control};
use crate::media_plane::MediaPlane;

/// Items on their way into the room: a second of video and sound. When the room
/// does not take them, which it always does, they are dropped.
const QUEUE: usize = 256;

/// Data messages of the room on their way to the program.
const MESSAGES: usize = 64;

/// How it ends for an encoder, in words that it can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Another encoder publishes under the same identity.
    #[error("another encoder took over this stream")]
    TakenOver,
    /// Somebody with the right to do so removed it.
    #[error("the stream was removed by an administrator")]
    Removed,
    /// The room is gone.
    #[error("the room was closed")]
    RoomClosed,
    /// The server stops.
    #[error("the server is shutting down")]
    Stopping,
    /// Something else, as the room says it.
    #[error("the room ended the stream: {0}")]
    Other(String),
}

/// An encoder that was let in. Dropping it is its leave.
pub struct Publisher {
    program: Arc<Program>,
    source: SourceId,
    formats: Formats,
    timeline: Timeline,
    to_room: mpsc::Sender<Item>,
    ended: watch::Receiver<Option<Ended>>,
    gauge: Arc<Gauge>,
}

impl Publisher {
    /// Takes an item, with times of the protocol's own clock (all tracks of one
    /// encoder share it). Never waits.
    ///
    /// # Errors
    /// The stream has ended from our side.
    pub fn item(&mut self, item: Item) -> Result<(), Ended> {
        if let Some(ended) = self.ended.borrow().clone() {
            return Err(ended);
        }
        let now = unix_micros();
        match item {
            Item::Format { track, format } => self.format(track, format),
            Item::Frame { track, frame } => self.frame(track, frame, now),
            Item::Data { pts, data } => {
                let pts = self.timeline.place_time(pts, now);
                self.give(Item::Data { pts, data });
            }
            Item::End { track } => {
                self.formats.remove(&track);
                self.give(Item::End { track });
            }
        }
        Ok(())
    }

    /// Waits until the stream ends from our side.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let answer = ended.wait_for(Option::is_some).await;
        answer
            .ok()
            .and_then(|it| it.clone())
            .unwrap_or(Ended::Stopping)
    }

    /// What it sends, for who watches over it.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    fn format(&mut self, track: TrackNumber, format: Arc<Format>) {
        let known = self.formats.contains_key(&track);
        if !known && self.formats.len() >= MAX_TRACKS {
            tracing::warn!(
                room = self.program.room,
                track = track.0,
                "more than {MAX_TRACKS} tracks: passed over"
            );
            return;
        }
        self.gauge.format(track, &format);
        self.formats.insert(track, format.clone());
        self.give(Item::Format { track, format });
    }

    fn frame(&mut self, track: TrackNumber, mut frame: Frame, now: i64) {
        if !self.formats.contains_key(&track) {
            return;
        }
        self.gauge.frame(track, &frame, now);
        if self.timeline.place(track, &mut frame, now) == Step::Jump {
            tracing::info!(room = self.program.room, "the encoder's clock jumped");
            self.program.discontinuity(self.source, &self.formats);
        }
        self.give(Item::Frame { track, frame });
    }

    fn give(&mut self, item: Item) {
        // Full or gone: what is lost is lost for the room alone.
        let _ = self.to_room.try_send(item.clone());
        self.program.push(self.source, &self.formats, item);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.program.release(self.source);
    }
}

/// Microseconds since the Unix epoch.
pub fn unix_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// What an encoder's task works with.
pub(super) struct Parts {
    pub program: Arc<Program>,
    pub source: SourceId,
    pub admission: Admission,
    pub control: Control,
    pub media: Weak<MediaPlane>,
    pub gauge: Arc<Gauge>,
    /// How what rooms cannot carry is encoded anew, and whether video is.
    pub transcode: (transcode::Settings, bool),
    /// Runs when the encoder is gone.
    pub gone: Box<dyn FnOnce() + Send + Sync>,
}

/// Starts the task that stands for the encoder in the room.
pub(super) fn start(parts: Parts) -> Publisher {
    let (to_room, items) = mpsc::channel(QUEUE);
    let (ended, ends) = watch::channel(None);
    let (from_room, outputs) = mpsc::channel(MESSAGES);
    let publisher = Publisher {
        program: parts.program.clone(),
        source: parts.source,
        formats: Formats::new(),
        timeline: Timeline::default(),
        to_room,
        ended: ends,
        gauge: parts.gauge.clone(),
    };
    if let Some((room, peer)) = parts.admission.media
        && let Some(media) = parts.media.upgrade()
    {
        media.open_local(room, peer, from_room);
    }
    let now = clock::now().at;
    let (settings, video) = parts.transcode.clone();
    let (anew, made) = Anew::new(settings, video);
    let side = RoomSide {
        anew,
        anchor: Anchor::new(now, MediaTime(unix_micros())),
        tracks: BTreeMap::new(),
        next_cid: 0,
        parts,
        ended,
    };
    tokio::spawn(side.run(items, outputs, made));
    publisher
}

/// The encoder as a participant.
struct RoomSide {
    parts: Parts,
    anew: Anew,
    anchor: Anchor,
    tracks: BTreeMap<TrackNumber, Result<RoomTrack, Barrier>>,
    next_cid: u32,
    ended: watch::Sender<Option<Ended>>,
}

impl RoomSide {
    async fn run(
        mut self,
        mut items: mpsc::Receiver<Item>,
        mut outputs: mpsc::Receiver<LocalOutput>,
        mut made: mpsc::Receiver<Made>,
    ) {
        loop {
            tokio::select! {
                item = items.recv() => match item {
                    Some(item) => self.item(item).await,
                    // The encoder is gone.
                    None => break,
                },
                message = self.parts.admission.outbox.recv() => match message {
                    Some(message) => self.message(message),
                    None => break,
                },
                Some(output) = outputs.recv() => self.output(output),
                Some(made) = made.recv() => self.made(made).await,
            }
        }
        self.ended.send_if_modified(|ended| {
            ended.get_or_insert(Ended::Stopping);
            true
        });
        self.parts.program.release(self.parts.source);
        let session = self.parts.admission.session;
        let leave = proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated as i32,
            ..Default::default()
        };
        let _ = self.say(signal_request::Message::Leave(leave)).await;
        self.parts.control.closed(session).await;
        (self.parts.gone)();
    }

    async fn item(&mut self, item: Item) {
        match item {
            Item::Format { track, format } => {
                if self.anew.format(track, &format) {
                    return;
                }
                if !carries(&format) && self.anew.begin(track) {
                    self.drop_track(track);
                } else {
                    self.format(track, &format).await;
                }
            }
            Item::Frame { track, frame } => {
                if let Some(frame) = self.anew.frame(track, frame) {
                    self.frame(track, frame);
                }
            }
            Item::End { track } => {
                self.anew.end(track);
                self.drop_track(track);
            }
            Item::Data { .. } => {}
        }
    }

    /// Something that was encoded anew.
    async fn made(&mut self, made: Made) {
        let track = made.0;
        match self.anew.current(made) {
            Some(Ok(Item::Format { format, .. })) => self.format(track, &format).await,
            Some(Ok(Item::Frame { frame, .. })) => self.frame(track, frame),
            Some(Err(track)) => {
                self.drop_track(track);
                let words = "it could not be encoded anew: the log says why";
                self.parts.gauge.in_room(track, Some(words.into()));
            }
            _ => {}
        }
    }

    fn drop_track(&mut self, track: TrackNumber) {
        if let Some(Ok(gone)) = self.tracks.remove(&track) {
            self.unpublish(gone.cid);
        }
    }

    async fn format(&mut self, number: TrackNumber, format: &Format) {
        if let Some(barrier) = barrier(format) {
            self.bar(number, barrier);
            return;
        }
        if let Some(Ok(track)) = self.tracks.get_mut(&number)
            && track.continues_with(format) == Ok(true)
        {
            return;
        }
        if let Some(Ok(old)) = self.tracks.remove(&number) {
            self.unpublish(old.cid);
        }
        let cid = format!("{}-{}", number.0, self.next_cid);
        self.next_cid += 1;
        let track = match RoomTrack::new(&cid, format) {
            Ok(track) => track,
            Err(barrier) => return self.bar(number, barrier),
        };
        let request = track.request(format);
        self.tracks.insert(number, Ok(track));
        self.parts.gauge.in_room(number, None);
        self.say(signal_request::Message::AddTrack(request)).await;
    }

    fn frame(&mut self, number: TrackNumber, frame: Frame) {
        let Some(Ok(track)) = self.tracks.get_mut(&number) else {
            return;
        };
        match track.frame(frame, &self.anchor) {
            Ok(packets) if packets.is_empty() => {}
            Ok(packets) => {
                let cid = track.cid.clone();
                self.give(|peer| LocalInput::Packets { peer, cid, packets });
            }
            Err(barrier) => {
                let cid = track.cid.clone();
                self.unpublish(cid);
                if barrier == Barrier::Reordered && self.anew.begin(number) {
                    self.tracks.remove(&number);
                } else {
                    self.bar(number, barrier);
                }
            }
        }
    }

    /// The track is not for WebRTC; the other doors have it.
    fn bar(&mut self, number: TrackNumber, barrier: Barrier) {
        let room = &self.parts.program.room;
        tracing::warn!(room, track = number.0, "not in the room: {barrier}");
        self.parts.gauge.in_room(number, Some(barrier.to_string()));
        self.tracks.insert(number, Err(barrier));
    }

    fn unpublish(&mut self, cid: Arc<str>) {
        self.give(|peer| LocalInput::Unpublish { peer, cid });
    }

    fn give(&self, input: impl FnOnce(PeerId) -> LocalInput) {
        if let Some((room, peer)) = self.place()
            && let Some(media) = self.parts.media.upgrade()
        {
            media.local(room, input(peer));
        }
    }

    fn place(&self) -> Option<(RoomId, PeerId)> {
        self.parts.admission.media
    }

    fn message(&mut self, message: proto::SignalResponse) {
        use signal_response::Message;
        match message.message {
            Some(Message::TrackPublished(published)) => {
                let anchor = self.anchor;
                let track = self.tracks.values_mut().flatten();
                let Some(track) = track.into_iter().find(|t| *t.cid == *published.cid) else {
                    return;
                };
                let packets = track.published(&anchor);
                let cid = track.cid.clone();
                self.give(|peer| LocalInput::Packets { peer, cid, packets });
            }
            Some(Message::Leave(leave)) => {
                let ended = why(leave.reason());
                self.ended.send_replace(Some(ended));
            }
            Some(Message::RequestResponse(refusal)) => {
                let room = &self.parts.program.room;
                tracing::warn!(room, reason = ?refusal.reason(), refusal.message, "the room refused the encoder's request");
            }
            _ => {}
        }
    }

    /// What the room says to everybody becomes timed data of the program.
    fn output(&mut self, output: LocalOutput) {
        if let LocalOutput::Data { payload, .. } = output
            && let Some(data) = super::message::timed_data(&payload)
        {
            let pts = MediaTime(unix_micros());
            let formats = self.parts.program.formats();
            let item = Item::Data { pts, data };
            self.parts.program.push(self.parts.source, &formats, item);
        }
    }

    async fn say(&mut self, message: signal_request::Message) {
        let request = proto::SignalRequest {
            message: Some(message),
        };
        let session = self.parts.admission.session;
        // Stopping: there is nobody to say it to.
        let _ = self.parts.control.signal(session, request).await;
    }
}

/// Whether rooms carry it without more ado.
fn carries(format: &Format) -> bool {
    barrier(format).is_none() && RoomTrack::new("", format).is_ok()
}

fn why(reason: proto::DisconnectReason) -> Ended {
    use proto::DisconnectReason as R;
    match reason {
        R::DuplicateIdentity => Ended::TakenOver,
        R::ParticipantRemoved => Ended::Removed,
        R::RoomDeleted | R::RoomClosed => Ended::RoomClosed,
        R::ServerShutdown => Ended::Stopping,
        other => Ended::Other(other.as_str_name().to_lowercase()),
    }
}
