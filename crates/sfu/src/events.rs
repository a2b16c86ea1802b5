//! What connections tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::channel::ChannelData;
use str0m::rtp::RtpPacket;
use str0m::stats::PeerStats;
use str0m::{Event, IceConnectionState};
use surecast_media::codec::{self, Codec};
use surecast_media::control::{DataChannel, Kind, MediaEvent, PeerHealth};

use crate::engine::Sfu;
use crate::peer::{Peer, Slot};
use crate::subscription::{Forwarded, codec_of};
use crate::track::{Format, Source};

impl Sfu {
    pub(crate) fn on_event(&mut self, slot: Slot, event: Event, now: Instant) {
        match event {
            Event::RtpPacket(packet) => self.on_rtp(slot, packet),
            Event::KeyframeRequest(request) => self.on_keyframe_request(slot, request.mid),
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                if let Some(peer) = self.peers[slot].as_deref_mut() {
                    peer.estimate = Some(estimate.as_u64());
                }
            }
            Event::ChannelData(data) => self.on_data(slot, data),
            Event::ChannelOpen(id, label) => self.with(slot, |peer, events| {
                if peer.channels.opened(id, &label) == Some(DataChannel::Reliable) {
                    events.push(MediaEvent::DataReady { peer: peer.id });
                }
            }),
            Event::ChannelClose(id) => self.with(slot, |peer, _| peer.channels.closed(id)),
            Event::ChannelBufferedAmountLow(_) => {
                self.with(slot, |peer, _| peer.channels.flush(&mut peer.rtc));
            }
            Event::Connected => self.on_connected(slot, now),
            Event::IceConnectionStateChange(state) => self.on_ice(slot, state, now),
            Event::PeerStats(stats) => self.on_stats(slot, &stats),
            _ => {}
        }
    }

    fn with(&mut self, slot: Slot, f: impl FnOnce(&mut Peer, &mut Vec<MediaEvent>)) {
        let mut events = Vec::new();
        if let Some(peer) = self.peers[slot].as_deref_mut() {
            f(peer, &mut events);
        }
        self.events.extend(events);
    }

    /// A packet of a publisher: to its track, and onto the way.
    fn on_rtp(&mut self, slot: Slot, packet: RtpPacket) {
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        self.counters.rtp_in += 1;
        let ssrc = packet.header.ssrc;
        let source = match peer.source(ssrc) {
            Some(source) => source,
            None => {
                let Some(source) = find_source(peer, &self.tracks, &packet) else {
                    return;
                };
                peer.remember_source(source);
                source
            }
        };
        let Some(track) = self.tracks.get_mut(&source.track) else {
            return;
        };
        let Some(rendition) = track.renditions.get_mut(source.rendition) else {
            return;
        };
        let pt = packet.header.payload_type;
        let format = match rendition.format(pt) {
            Some(format) => format,
            None => {
                let Some(format) = format_of(peer, &packet) else {
                    return;
                };
                rendition.set_format(pt, format);
                format
            }
        };
        let captured = rendition.note(&packet, format.codec.clock_rate(), &mut peer.clock);
        let late = packet.timestamp.saturating_duration_since(captured);
        track.late.add(late, packet.timestamp);
        let keyframe = codec::is_keyframe(format.codec, &packet.payload);
        if keyframe {
            rendition.keyframes.served();
        }
        if let Some(level) = packet.header.ext_vals.audio_level {
            track.loudness.add(level);
        }
        let shown = if format.red { Codec::Red } else { format.codec };
        if track.live_as != Some(shown) {
            track.live_as = Some(shown);
            self.events.push_back(MediaEvent::TrackLive {
                track: track.id,
                mime: shown.mime().to_owned(),
            });
        }
        self.inbound.push(Forwarded {
            track: source.track,
            rendition: source.rendition,
            format,
            seq: *packet.seq_no,
            timestamp: packet.header.timestamp,
            ssrc,
            pt,
            marker: packet.header.marker,
            extensions: packet.header.ext_vals,
            payload: packet.payload,
            arrived: packet.timestamp,
            captured,
            keyframe,
        });
    }

    fn on_keyframe_request(&mut self, slot: Slot, mid: str0m::media::Mid) {
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        let Some(subscription) = peer.subscription_in(mid) else {
            return;
        };
        let current = subscription.current.map(|(rendition, _)| rendition);
        let wanted = subscription.awaits().or(current);
        let track = self.tracks.get_mut(&subscription.track);
        let rendition = wanted.and_then(|i| track?.renditions.get_mut(i));
        if let Some(rendition) = rendition {
            rendition.keyframes.want();
        }
    }

    fn on_data(&mut self, slot: Slot, data: ChannelData) {
        self.with(slot, |peer, events| {
            if let Some(channel) = peer.channels.kind_of(data.id, &mut peer.rtc) {
                events.push(MediaEvent::Data {
                    peer: peer.id,
                    channel,
                    payload: Arc::from(data.data),
                });
            }
        });
    }

    fn on_connected(&mut self, slot: Slot, now: Instant) {
        self.with(slot, |peer, events| {
            let described = peer.timing.described.unwrap_or(now);
            let ice = peer.timing.ice.unwrap_or(now);
            peer.timing.connected = true;
            events.push(MediaEvent::Connected {
                peer: peer.id,
                ice: ice.saturating_duration_since(described),
                dtls: now.saturating_duration_since(ice),
            });
        });
        self.choose_renditions_of(slot, now);
    }

    fn on_ice(&mut self, slot: Slot, state: IceConnectionState, now: Instant) {
        self.with(slot, |peer, events| match state {
            IceConnectionState::Connected | IceConnectionState::Completed => {
                peer.timing.ice.get_or_insert(now);
                // The keys survived: what came back is connected at once.
                if std::mem::take(&mut peer.timing.lost) {
                    events.push(MediaEvent::Connected {
                        peer: peer.id,
                        ice: Duration::ZERO,
                        dtls: Duration::ZERO,
                    });
                }
            }
            IceConnectionState::Disconnected => {
                peer.timing.lost = peer.timing.connected;
                events.push(MediaEvent::Disconnected { peer: peer.id });
            }
            _ => {}
        });
    }

    fn on_stats(&mut self, slot: Slot, stats: &PeerStats) {
        let upstream = self.upstream_delay(slot);
        self.with(slot, |peer, events| {
            let (rx, tx) = (stats.peer_bytes_rx, stats.peer_bytes_tx);
            let (old_rx, old_tx) = std::mem::replace(&mut peer.bytes, (rx, tx));
            // Statistics come every two seconds: 8 bits / 2 s.
            let bps = |new: u64, old: u64| new.saturating_sub(old) * 4;
            let rtt = stats.rtt.or_else(|| {
                let pair = stats.selected_candidate_pair.as_ref()?;
                pair.current_round_trip_time
            });
            peer.health = PeerHealth {
                rtt,
                media_delay: upstream.zip(rtt).map(|(up, rtt)| up + rtt / 2),
                uplink_loss: stats.ingress_loss_fraction.unwrap_or(0.0),
                downlink_loss: stats.egress_loss_fraction.unwrap_or(0.0),
                uplink_bps: bps(rx, old_rx),
                downlink_bps: bps(tx, old_tx),
                downlink_estimate_bps: peer.estimate,
            };
            events.push(MediaEvent::Health {
                peer: peer.id,
                health: peer.health,
            });
        });
    }

    /// Loudness of all rooms in which anything was heard.
    pub(crate) fn tell_levels(&mut self) {
        let mut by_room = std::collections::BTreeMap::<_, Vec<_>>::new();
        for track in self.tracks.values_mut().filter(|t| t.kind() == Kind::Audio) {
            let level = track.loudness.take();
            if level > 0.0 && !track.muted {
                by_room
                    .entry(track.room)
                    .or_default()
                    .push((track.id, level));
            }
        }
        for room in std::mem::take(&mut self.loud_rooms) {
            by_room.entry(room).or_default();
        }
        for (room, levels) in by_room {
            if !levels.is_empty() {
                self.loud_rooms.insert(room);
            }
            self.events.push_back(MediaEvent::Levels { room, levels });
        }
    }
}

/// Which rendition of which track a new SSRC is.
fn find_source(
    peer: &mut Peer,
    tracks: &std::collections::BTreeMap<surecast_media::id::TrackId, crate::track::Track>,
    packet: &RtpPacket,
) -> Option<Source> {
    let ssrc = packet.header.ssrc;
    let mut api = peer.rtc.direct_api();
    let stream = api.stream_rx(&ssrc)?;
    let (mid, rid) = (stream.mid(), stream.rid());
    let bound = peer.bound.iter().find(|b| b.mid == mid)?;
    let track = tracks.get(&bound.track)?;
    let rendition = track.rendition_of(mid, rid)?;
    Some(Source {
        ssrc,
        track: bound.track,
        rendition,
    })
}

fn format_of(peer: &Peer, packet: &RtpPacket) -> Option<Format> {
    let pt = packet.header.payload_type;
    let config = peer.rtc.codec_config();
    let params = config.find(|p| p.pt() == pt || p.red() == Some(pt))?;
    Some(Format {
        codec: codec_of(params.spec().codec)?,
        params: *params,
        red: params.red() == Some(pt),
    })
}
