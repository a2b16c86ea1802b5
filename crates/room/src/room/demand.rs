//! Dynamic broadcast: publishers need not send what nobody watches.

use std::time::Duration;

use surecast_media::control::{Kind, Quality};
use surecast_media::id::TrackId;
use surecast_media::time::Now;

use super::Room;
use crate::context::Context;
use crate::proto;
use crate::proto::signal_response::Message;
use crate::timers::Subject;
use crate::track::Track;

/// Less is asked for only after so long: viewers who switch back at once would
/// wait for a key frame of a rendition that has just been stopped.
const DOWN_AFTER: Duration = Duration::from_secs(5);

impl Room {
    /// The highest rendition of a track that anybody wants.
    pub(super) fn track_demand(
        &mut self,
        cx: &mut Context,
        id: TrackId,
        quality: Option<Quality>,
        now: Now,
    ) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.demand.wanted = quality;
        if track.kind() != Kind::Video {
            return;
        }
        match track.demand.told {
            // Whoever has published lately sends everything: the first viewers
            // shall not wait for it.
            None if quality.is_none() => {}
            Some(told) if told == quality => cx.timers.cancel(self.id, Subject::Demand(id)),
            Some(told) if told > quality => {
                cx.timers
                    .set_if_idle(self.id, Subject::Demand(id), now.at + DOWN_AFTER);
            }
            _ => self.tell_demand(cx, id),
        }
    }

    /// Tells the publisher what is wanted now.
    pub(super) fn tell_demand(&mut self, cx: &mut Context, id: TrackId) {
        cx.timers.cancel(self.id, Subject::Demand(id));
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.demand.told = Some(track.demand.wanted);
        let update = update_of(track);
        if let Some(publisher) = self.participants.get(&track.publisher) {
            publisher.send(cx, Message::SubscribedQualityUpdate(update));
        }
    }
}

#[allow(deprecated)]
fn update_of(track: &Track) -> proto::SubscribedQualityUpdate {
    let qualities = qualities(track.demand.wanted);
    // A fallback codec is named only where somebody needs it: its name makes
    // the publisher send it.
    let codecs = if track.backup_asked {
        track.info.codecs.len()
    } else {
        1
    };
    let names = track
        .info
        .codecs
        .iter()
        .take(codecs)
        .map(|codec| match codec.mime_type.as_str() {
            "" => track.info.mime_type.as_str(),
            mime => mime,
        });
    let subscribed_codecs = names
        .filter_map(|mime| mime.split('/').nth(1))
        .map(|codec| proto::SubscribedCodec {
            codec: codec.to_ascii_lowercase(),
            qualities: qualities.clone(),
        })
        .collect();
    proto::SubscribedQualityUpdate {
        track_sid: track.info.sid.clone(),
        subscribed_qualities: qualities,
        subscribed_codecs,
    }
}

/// Everything up to the highest wanted rendition.
fn qualities(wanted: Option<Quality>) -> Vec<proto::SubscribedQuality> {
    let all = [
        (Quality::Low, proto::VideoQuality::Low),
        (Quality::Medium, proto::VideoQuality::Medium),
        (Quality::High, proto::VideoQuality::High),
    ];
    all.into_iter()
        .map(|(quality, name)| proto::SubscribedQuality {
            quality: name as i32,
            enabled: wanted.is_some_and(|wanted| quality <= wanted),
        })
        .collect()
}
