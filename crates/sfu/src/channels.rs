//! The three data channels of a LiveKit client, by label.

use std::collections::VecDeque;
use std::sync::Arc;

use str0m::Rtc;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use surecast_media::control::DataChannel;

/// Bytes that wait for a slow receiver of reliable messages beyond what SCTP
/// buffers. Two megabytes is about a second of a fast upload; past it the
/// receiver has lost the right to the rest, and is cut off from it rather than
/// holding everybody's memory.
const MAX_WAITING: usize = 2 << 20;

/// The channels of one connection.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    open: Vec<(DataChannel, ChannelId)>,
    waiting: VecDeque<Arc<[u8]>>,
    waiting_bytes: usize,
    /// Reliable messages refused because [`MAX_WAITING`] was reached.
    pub(crate) refused: u64,
}

pub(crate) const ALL: [DataChannel; 3] = [
    DataChannel::Reliable,
    DataChannel::Lossy,
    DataChannel::DataTrack,
];

impl Channels {
    /// A channel opened; `None` if the label is none of ours.
    pub(crate) fn opened(&mut self, id: ChannelId, label: &str) -> Option<DataChannel> {
        let kind = ALL.into_iter().find(|c| self::label(*c) == label)?;
        // The first of a label stays: both sides may have opened one.
        if self.find(kind).is_none() {
            self.open.push((kind, id));
        }
        Some(kind)
    }

    pub(crate) fn closed(&mut self, id: ChannelId) {
        self.open.retain(|(_, open)| *open != id);
    }

    pub(crate) fn kind_of(&self, id: ChannelId, rtc: &mut Rtc) -> Option<DataChannel> {
        let known = self.open.iter().find(|(_, open)| *open == id);
        known.map(|(kind, _)| *kind).or_else(|| {
            let channel = rtc.channel(id)?;
            let name = channel.config()?.label.as_str();
            ALL.into_iter().find(|c| label(*c) == name)
        })
    }

    /// Sends, or lets a reliable message wait. Lossy messages are dropped
    /// where there is no room.
    pub(crate) fn send(&mut self, rtc: &mut Rtc, kind: DataChannel, payload: &Arc<[u8]>) {
        let reliable = kind == DataChannel::Reliable;
        // What waits already goes first.
        let must_wait = reliable && !self.waiting.is_empty();
        if (must_wait || !self.write(rtc, kind, payload)) && reliable {
            self.wait(payload);
        }
    }

    /// There may be room again.
    pub(crate) fn flush(&mut self, rtc: &mut Rtc) {
        while let Some(payload) = self.waiting.pop_front() {
            if !self.write(rtc, DataChannel::Reliable, &payload) {
                self.waiting.push_front(payload);
                return;
            }
            self.waiting_bytes -= payload.len();
        }
    }

    fn wait(&mut self, payload: &Arc<[u8]>) {
        if self.waiting_bytes + payload.len() > MAX_WAITING {
            self.refused += 1;
            return;
        }
        self.waiting_bytes += payload.len();
        self.waiting.push_back(Arc::clone(payload));
    }

    fn write(&self, rtc: &mut Rtc, kind: DataChannel, payload: &[u8]) -> bool {
        let Some(mut channel) = self.find(kind).and_then(|id| rtc.channel(id)) else {
            return false;
        };
        channel.write(true, payload).unwrap_or(false)
    }

    fn find(&self, kind: DataChannel) -> Option<ChannelId> {
        let found = self.open.iter().find(|(k, _)| *k == kind);
        found.map(|(_, id)| *id)
    }
}

fn label(channel: DataChannel) -> &'static str {
    match channel {
        DataChannel::Reliable => "_reliable",
        DataChannel::Lossy => "_lossy",
        DataChannel::DataTrack => "_data_track",
    }
}

/// How we open a channel on a connection that we offer (signalling v0).
pub(crate) fn config(channel: DataChannel) -> ChannelConfig {
    let reliable = channel == DataChannel::Reliable;
    ChannelConfig {
        label: label(channel).to_owned(),
        ordered: reliable,
        reliability: if reliable {
            Reliability::Reliable
        } else {
            Reliability::MaxRetransmits { retransmits: 0 }
        },
        ..ChannelConfig::default()
    }
}
