//! One entry point for each parser that a peer can reach.
//!
//! `fuzz/fuzz_targets/` calls them from libFuzzer, and a test runs every file
//! of `fuzz/corpus/` through them: what a fuzzer once found stays found.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{Fact, Record, life};
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::evidence::{
    Algorithm, Checkpoint, Leaf, Note, SigningKey, Tile, VerifyingKey, bundle,
};
use surecast_guarantee::offer::{BuyerNeed, Offer};
use surecast_guarantee::report::{probe, receipt};
use surecast_guarantee::rollup::{Minute, RollupTable};
use surecast_media::control::{MediaCommand, PeerRole};
use surecast_media::frame::{Format, FrameCodec};
use surecast_media::id::{PeerId, RoomId};
use surecast_media::time::Now;
use surecast_media::{aac, av1, h264, h265, nal, opus, red, vp8, vp9};
use surecast_room::{signal, token};
use surecast_sfu::{Config, Datagram, Protocol, Sfu};

/// A parser under any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the libFuzzer target and of its corpus directory.
    pub name: &'static str,
    /// Must return, whatever it is given.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("vp8", vp8),
    target("vp9", vp9),
    target("h264", h264),
    target("h265", h265),
    target("av1", av1),
    target("red", red),
    target("decoder_config", decoder_config),
    target("rtp", rtp),
    target("aac", surecast_audio::fuzz_aac),
    target("opus", surecast_audio::fuzz_opus),
    target("signal_request", signal::fuzz_signal_request),
    target("join_request", signal::fuzz_join_request),
    target("token", token),
    target("candidate", surecast_room::fuzz_candidate),
    target("data_packet", surecast_room::fuzz_data_packet),
    target("data_track_packet", surecast_room::fuzz_data_track_packet),
    target("sfu_offer", sfu_offer),
    target("sdp_fragment", surecast_sfu::sdp::fragment::fuzz_fragment),
    target("sfu_datagram", sfu_datagram),
    target("log_note", log_note),
    target("log_leaf", log_leaf),
    target("log_bundle", log_bundle),
    target("contract", contract),
    target("contract_fact", contract_fact),
    target("buyer_need", buyer_need),
    target("offer", offer),
    target("probe_report", probe_report),
    target("client_receipt", client_receipt),
    target("inbound", inbound),
    target("flv", surecast_wire::flv::fuzz_flv),
    target("rtmp", surecast_wire::rtmp::fuzz_rtmp),
    target("mpegts", surecast_wire::mpegts::fuzz_mpegts),
    target("srt", surecast_wire::srt::fuzz_srt),
    target("cmaf", surecast_wire::cmaf::read::fuzz_cmaf),
    target("hls_playlist", surecast_wire::hls::check::fuzz_playlist),
];

/// Runs the target of that name.
///
/// # Panics
/// There is none.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of that name").run)(bytes);
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

fn vp8(bytes: &[u8]) {
    let _ = vp8::parse(bytes);
    let _ = vp8::format_from_keyframe(bytes);
}

fn vp9(bytes: &[u8]) {
    let _ = vp9::Descriptor::parse(bytes);
    let _ = vp9::is_keyframe(bytes);
    let _ = vp9::format_from_keyframe(bytes);
}

fn h264(bytes: &[u8]) {
    let _ = h264::units(bytes).count();
    let _ = h264::is_keyframe(bytes);
    let unit = h264::access_unit(nal::annex_b(bytes));
    let [sps, pps] = [&unit.sps, &unit.pps].map(|sets| sets.iter().map(AsRef::as_ref));
    round_trip(h264::format(
        &sps.collect::<Vec<_>>(),
        &pps.collect::<Vec<_>>(),
    ));
}

fn h265(bytes: &[u8]) {
    let _ = h265::unit_types(bytes).count();
    let _ = h265::is_keyframe(bytes);
    let unit = h265::access_unit(nal::annex_b(bytes));
    let [vps, sps, pps] =
        [&unit.vps, &unit.sps, &unit.pps].map(|sets| sets.iter().map(AsRef::as_ref));
    round_trip(h265::format(
        &vps.collect::<Vec<_>>(),
        &sps.collect::<Vec<_>>(),
        &pps.collect::<Vec<_>>(),
    ));
}

fn av1(bytes: &[u8]) {
    let _ = av1::is_keyframe(bytes);
    let _ = av1::DependencyDescriptor::parse(bytes);
    let frame = av1::temporal_unit(av1::obus(bytes));
    assert_eq!(av1::temporal_unit(av1::obus(&frame)), frame);
    let header = av1::sequence_header(&frame);
    round_trip(header.and_then(|obu| av1::format_from_sequence_header(obu.whole)));
}

/// The first byte names the codec, the rest is a configuration.
fn decoder_config(bytes: &[u8]) {
    let Some((&codec, config)) = bytes.split_first() else {
        return;
    };
    let read = match codec % 5 {
        0 => h264::format_from_config,
        1 => h265::format_from_config,
        2 => av1::format_from_config,
        3 => aac::format_from_config,
        _ => opus::format_from_config,
    };
    round_trip(read(config.to_vec().into()));
}

/// A configuration that was made is read the same.
fn round_trip(format: Option<Format>) {
    let Some(format) = format else {
        return;
    };
    let read = match format.codec {
        FrameCodec::H264 => h264::format_from_config,
        FrameCodec::H265 => h265::format_from_config,
        FrameCodec::Av1 => av1::format_from_config,
        FrameCodec::Aac => aac::format_from_config,
        FrameCodec::Opus => opus::format_from_config,
        _ => return,
    };
    assert_eq!(read(format.config.clone()).as_ref(), Some(&format));
    let _ = format.codec_string();
    let _ = nal::to_annex_b(&[], Some(&format));
}

fn rtp(bytes: &[u8]) {
    surecast_wire::rtp::fuzz_depacketize(bytes, moment().at);
}

/// What is taken apart is put together again the same.
fn red(bytes: &[u8]) {
    let Some(parsed) = red::Red::parse(bytes) else {
        assert_eq!(red::primary(bytes), None);
        return;
    };
    let primary = parsed.primary();
    assert_eq!(
        red::primary(bytes),
        Some((primary.payload_type, primary.data))
    );
    let mut again = Vec::new();
    red::write(
        primary.payload_type,
        primary.data,
        parsed.redundant(),
        &mut again,
    );
    assert_eq!(again, bytes);
}

fn token(bytes: &[u8]) {
    token::fuzz_token(bytes, moment());
}

/// What is read as a contract is written and read the same, and its life and its
/// periods can be computed.
fn contract(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok((contract, _)) = Contract::from_yaml(text) else {
        return;
    };
    let again = contract.to_yaml().expect("written");
    let (again, _) = Contract::from_yaml(&again).expect("read again");
    assert_eq!(again.hash(), contract.hash());
    let mut record = Record::default();
    let _ = record.handle_contract(&contract, 0, Minute(0).start());
    // Days after the last of the calendar are an error.
    for now in [Minute(0), Minute(30_196_800), Minute::MAX] {
        let _ = life(&contract, &record, now.start());
    }
}

fn contract_fact(bytes: &[u8]) {
    let Ok(leaf) = Leaf::parse(bytes) else {
        return;
    };
    let Ok(Some(fact)) = Fact::of(&leaf) else {
        return;
    };
    let mut table = RollupTable::with_max_pages(1);
    let _ = fact.tell(&mut table, leaf.at());
    let again = fact.leaf(leaf.at()).expect("written");
    assert_eq!(Fact::of(&again), Ok(Some(fact)));
}

fn buyer_need(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = BuyerNeed::read("need.yaml", text);
    }
}

fn offer(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Offer::read("offer.yaml", text);
    }
}

/// The bytes as a description that a client offers.
fn sfu_offer(bytes: &[u8]) {
    let now = moment().at;
    let Some((mut sfu, peer)) = engine(now) else {
        return;
    };
    let sdp = String::from_utf8_lossy(bytes).into_owned();
    sfu.handle_command(MediaCommand::Offer { peer, sdp, id: 1 }, now);
    drain(&mut sfu, now);
}

/// The bytes as datagrams, each led by its length in one byte, at an engine
/// with a connection.
fn sfu_datagram(bytes: &[u8]) {
    let now = moment().at;
    let Some((mut sfu, peer)) = engine(now) else {
        return;
    };
    let sdp = OFFER.to_owned();
    sfu.handle_command(MediaCommand::Offer { peer, sdp, id: 1 }, now);
    let mut rest = bytes;
    while let Some((&len, tail)) = rest.split_first() {
        let (contents, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let datagram = Datagram {
            proto: Protocol::Udp,
            source: SocketAddr::from(([192, 0, 2, 7], 5000)),
            destination: LOCAL,
            contents,
        };
        sfu.handle_datagram(datagram, now);
    }
    drain(&mut sfu, now);
}

/// A note as a witness sends it; its text as a checkpoint, its first line as a
/// key and as a path. What can be read is written the same.
fn log_note(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        let again = Note::parse(note.to_string().as_bytes());
        assert_eq!(again.as_ref(), Ok(&note));
        if let Ok(checkpoint) = note.text.parse::<Checkpoint>() {
            assert_eq!(checkpoint.to_string(), note.text);
        }
    }
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default();
    let _ = line.parse::<VerifyingKey>();
    if let Ok(tile) = line.parse::<Tile>() {
        assert_eq!(tile.to_string(), line);
    }
}

fn log_leaf(bytes: &[u8]) {
    if let Ok(leaf) = Leaf::parse(bytes) {
        assert_eq!(leaf.to_bytes(), bytes);
    }
}

/// The first byte is how many entries there should be.
fn log_bundle(bytes: &[u8]) {
    if let Some((width, rest)) = bytes.split_first() {
        let _ = bundle::entries(rest, u16::from(*width) + 1);
    }
}

/// The bytes as a mail, and as a note of a call, to somebody who has a contract.
fn inbound(bytes: &[u8]) {
    static CONTRACT: LazyLock<Option<Contract>> = LazyLock::new(|| {
        let contract = Contract::from_yaml(Plan::Custom.yaml());
        contract.ok().map(|(contract, _)| contract)
    });
    if let Some(contract) = &*CONTRACT {
        surecast_guarantee::inbound::fuzz_mail(bytes, contract);
    }
}

const LOCAL: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    7882,
);

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
    a=ice-ufrag:abcdefgh\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:\
10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=sctp-port:5000\r\n";

fn drain(sfu: &mut Sfu, now: Instant) {
    sfu.flush(now);
    while sfu.poll_transmit().is_some() {}
    while sfu.poll_event().is_some() {}
}

/// The bytes as a report, and as a statement that a known probe has signed.
fn probe_report(bytes: &[u8]) {
    let Ok(key) = SigningKey::from_seed("fra", Algorithm::Ed25519, [7; 32]) else {
        return;
    };
    let known = [key.public().clone()];
    let _ = probe::Signed::read(bytes, &known);
    let line = String::from_utf8_lossy(bytes);
    let note = Note::sign(format!("{}\n", line.trim_end()), &key).to_string();
    if let Ok(signed) = probe::Signed::read(note.as_bytes(), &known) {
        assert!(signed.statement.rollups().is_ok(), "what is taken counts");
        assert_eq!(signed.logged().open(), Ok(signed));
    }
}

/// The bytes as a statement; the signature is looked at last, so that all before
/// it is reached.
fn client_receipt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(statement) = receipt::Statement::read(&text, "AA==") {
        let _ = statement.session_ms();
    }
}

/// An engine with one connection that waits for an offer. `None` when the
/// system's random source fails.
fn engine(now: Instant) -> Option<(Sfu, PeerId)> {
    let config = Config {
        udp: vec![LOCAL],
        ..Config::default()
    };
    let mut sfu = Sfu::new(&config, now).ok()?;
    let peer = PeerId(1);
    let add = MediaCommand::AddPeer {
        peer,
        room: RoomId(1),
        role: PeerRole::Single,
    };
    sfu.handle_command(add, now);
    Some((sfu, peer))
}

#[expect(clippy::disallowed_methods, reason = "some instant to count from")]
fn moment() -> Now {
    Now {
        at: Instant::now(),
        unix_ms: 1_700_000_000_000,
    }
}
