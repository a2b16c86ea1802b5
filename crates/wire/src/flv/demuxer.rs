//! Tags to items.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Frame, Item, MediaTime, TrackNumber};

use super::clock::Clock;
use super::packet::{Packet, Part, parse_audio, parse_video};
use super::track::Track;
use super::{FlvError, TagKind, script};

/// Tracks of one stream: more languages and angles than anybody sends.
const MAX_TRACKS: usize = 16;

/// Reads the tags of one stream.
///
/// Times are the encoder's: milliseconds as in the tags, on a line of 64 bits that
/// goes on where the 32 bits wrap. Steps back and jumps stay visible in them; who
/// places the stream on a timeline of its own decides what they mean.
///
/// Video tracks get even numbers and audio tracks odd ones: track 0 of either kind,
/// which is the one that plain tags have, gets 0 and 1.
#[derive(Debug, Default)]
pub struct Demuxer {
    clock: Clock,
    tracks: BTreeMap<TrackNumber, Track>,
    items: VecDeque<Item>,
}

impl Demuxer {
    /// Takes a tag: its kind, its timestamp in milliseconds, its body. Then call
    /// [`Demuxer::poll_item`] until it has none.
    ///
    /// # Errors
    /// What is wrong with this tag; of its tracks those before the bad one were
    /// taken. The next tag can be read all the same.
    pub fn handle_tag(
        &mut self,
        kind: TagKind,
        timestamp: u32,
        body: Bytes,
    ) -> Result<(), FlvError> {
        let packets = match kind {
            TagKind::Video => parse_video(body)?,
            TagKind::Audio => parse_audio(body)?,
            TagKind::Script => {
                if let Some(data) = script::read(&body)? {
                    let pts = MediaTime::from_millis(self.clock.look(timestamp));
                    self.items.push_back(Item::Data { pts, data });
                }
                return Ok(());
            }
        };
        packets
            .into_iter()
            .try_for_each(|packet| self.packet(packet, timestamp))
    }

    /// The next item.
    pub fn poll_item(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    fn packet(&mut self, packet: Packet, timestamp: u32) -> Result<(), FlvError> {
        let number = number(packet.codec.kind(), packet.track)?;
        if packet.part == Part::End {
            if let Some(track) = self.tracks.remove(&number)
                && track.format.is_some()
            {
                self.items.push_back(Item::End { track: number });
            }
            return Ok(());
        }
        let track = self.track(number, &packet)?;
        if packet.part == Part::Start {
            if let Some(format) = track.configure(packet.data)? {
                self.items.push_back(Item::Format {
                    track: number,
                    format,
                });
            }
            return Ok(());
        }
        let Some(unit) = track.frame(packet.data, packet.keyframe) else {
            return Ok(());
        };
        if let Some(format) = unit.format {
            self.items.push_back(Item::Format {
                track: number,
                format,
            });
        }
        // Encoders stamp configurations with 0 at any time: only frames move the clock.
        let at = MediaTime::from_millis(self.clock.advance(timestamp));
        let dts = at.plus(i64::from(packet.nanos) / 1000);
        let frame = Frame {
            dts,
            pts: dts.plus(i64::from(packet.composition) * 1000),
            keyframe: unit.keyframe,
            data: unit.data,
        };
        self.items.push_back(Item::Frame {
            track: number,
            frame,
        });
        Ok(())
    }

    /// The packet's track; a new one where there is none or it has another codec.
    fn track(&mut self, number: TrackNumber, packet: &Packet) -> Result<&mut Track, FlvError> {
        let full = self.tracks.len() >= MAX_TRACKS && !self.tracks.contains_key(&number);
        if full {
            return Err(FlvError::Tracks(MAX_TRACKS));
        }
        let new = || Track::new(packet.codec);
        let track = self.tracks.entry(number).or_insert_with(new);
        if track.codec != packet.codec {
            *track = new();
        }
        Ok(track)
    }
}

fn number(kind: Kind, id: u8) -> Result<TrackNumber, FlvError> {
    let odd = u8::from(kind == Kind::Audio);
    let number = id.checked_mul(2).and_then(|even| even.checked_add(odd));
    number.map(TrackNumber).ok_or(FlvError::Tracks(128))
}
