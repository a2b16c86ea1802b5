//! FFmpeg decodes what we packetize, bit for bit; and we put together what FFmpeg
//! packetizes, byte for byte. For each codec one file, and both ways with it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "sockets and clocks of a test"
)]

mod file;
mod gstreamer;
mod udp;

use std::sync::Arc;

use surecast_media::frame::{Format, Frame, FrameCodec};
use surecast_wire::rtp::{Depacketizer, Output, RtpIn};

use self::file::File;

/// Smaller than needed, so that all frames are cut.
const MTU: usize = 900;

#[test]
fn h264() {
    both_ways(
        FrameCodec::H264,
        &["-c:v", "libx264", "-tune", "zerolatency", "-g", "10"],
    );
}

#[test]
fn h265() {
    let parameters = "bframes=0:keyint=10:repeat-headers=1:log-level=none";
    both_ways(
        FrameCodec::H265,
        &[
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            parameters,
        ],
    );
}

#[test]
#[allow(clippy::print_stderr, reason = "whoever runs it wants to know")]
fn av1() {
    if !file::knows_av1() {
        eprintln!("not tried: FFmpeg 9 is not there; `cargo xtask test` brings it");
        return;
    }
    both_ways(
        FrameCodec::Av1,
        &[
            "-c:v",
            "libaom-av1",
            "-cpu-used",
            "8",
            "-usage",
            "realtime",
            "-g",
            "10",
        ],
    );
}

#[test]
fn vp8() {
    both_ways(
        FrameCodec::Vp8,
        &["-c:v", "libvpx", "-deadline", "realtime", "-g", "10"],
    );
}

/// By GStreamer: FFmpeg knows a first draft of VP9 in RTP only.
#[test]
fn vp9() {
    let encode = [
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-g",
        "10",
    ];
    let file = File::encode(FrameCodec::Vp9, &encode);
    let (format, frames) = file.frames();
    let received = gstreamer::receive(&file, |sender| sender.send(&format, &frames, MTU));
    let sent: Vec<u8> = frames.iter().flat_map(|it| it.data.to_vec()).collect();
    assert!(
        received == sent,
        "{} of {} bytes",
        received.len(),
        sent.len()
    );
    let mut came = Came::new(FrameCodec::Vp9);
    gstreamer::send(&file, |packet| came.take(packet));
    came.check(&format, &frames);
}

fn both_ways(codec: FrameCodec, encode: &[&str]) {
    let file = File::encode(codec, encode);
    let (format, frames) = file.frames();
    assert_eq!(frames.len(), file::FRAMES, "{codec}: one frame per picture");
    assert!(frames.iter().filter(|frame| frame.keyframe).count() >= 2);
    ffmpeg_receives(&file, &format, &frames);
    ffmpeg_sends(&file, &format, &frames);
}

fn ffmpeg_receives(file: &File, format: &Format, frames: &[Frame]) {
    let receiver = udp::FfmpegReceiver::start(file, format);
    receiver.sender.send(format, frames, MTU);
    let seen = receiver.pictures();
    assert_eq!(seen, file.pictures(), "{}: pictures", format.codec);
}

fn ffmpeg_sends(file: &File, format: &Format, frames: &[Frame]) {
    let mut came = Came::new(format.codec);
    udp::ffmpeg_packets(file, |packet| came.take(packet));
    came.check(format, frames);
}

/// Puts together what another program packetizes.
struct Came {
    depacketizer: Depacketizer,
    format: Option<Arc<Format>>,
    frames: Vec<Frame>,
}

impl Came {
    fn new(codec: FrameCodec) -> Self {
        Self {
            depacketizer: Depacketizer::new(codec),
            format: None,
            frames: Vec::new(),
        }
    }

    fn take(&mut self, packet: RtpIn) {
        let now = packet.arrived;
        self.depacketizer.push(packet, now);
        while let Some(output) = self.depacketizer.poll() {
            match output {
                Output::Format(format) => self.format = Some(format),
                Output::Frame(frame) => self.frames.push(frame),
            }
        }
    }

    fn check(&self, format: &Format, frames: &[Frame]) {
        let codec = format.codec;
        let shape = self.format.as_ref().map(|it| it.shape);
        assert_eq!(shape, Some(format.shape), "{codec}: size");
        assert_eq!(self.frames.len(), frames.len(), "{codec}");
        for (at, (came, sent)) in self.frames.iter().zip(frames).enumerate() {
            assert_eq!(came.keyframe, sent.keyframe, "{codec}: frame {at}");
            assert!(came.data == sent.data, "{codec}: frame {at}");
        }
        for (came, sent) in self.frames.windows(2).zip(frames.windows(2)) {
            let step = |pair: &[Frame]| pair[1].pts.since(pair[0].pts);
            assert!((step(came) - step(sent)).abs() < 2000, "{codec}: even");
        }
    }
}
