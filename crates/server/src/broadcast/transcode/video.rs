//! A track's pictures anew: in several sizes, or without B-frames.

use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, FrameCodec, Item, MediaTime, TrackNumber};
use surecast_wire::mpegts::{Demuxer, Muxer};
use tokio::sync::mpsc;

use super::child::{Child, Event};
use super::supervised::Supervised;
use super::{Error, Settings};

/// Frames that wait for the child: a second at 60 Hz. Who gives does not wait,
/// so what does not fit is lost until the next keyframe.
const QUEUE: usize = 64;

/// Items of all renditions that wait for who takes them: a second of six.
const OUT: usize = 384;

/// Sizes of one picture at most: what players can choose between sensibly.
pub const MAX_RENDITIONS: usize = 6;

/// The only track of the child's input.
const TRACK: TrackNumber = TrackNumber(0);

/// Ticks of MPEG-TS after which they begin anew, and their rate.
const WRAP: i64 = 1 << 33;
const RATE: u32 = 90_000;

/// One size of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// Pixels; the picture is never made larger than it is.
    pub height: u32,
    /// Bits a second.
    pub bitrate: u32,
}

/// Bits a second that make a picture of so many lines look well at 30 frames a
/// second, encoded at once: as platforms advise encoders.
#[must_use]
pub const fn bitrate(height: u32) -> u32 {
    match height {
        // Not known.
        0 => 2_800_000,
        1..=240 => 400_000,
        241..=360 => 800_000,
        361..=480 => 1_400_000,
        481..=720 => 2_800_000,
        721..=1080 => 5_000_000,
        _ => 12_000_000,
    }
}

/// A track on its way into renditions. It ends when `input` is dropped, and when
/// `output` is.
pub struct Renditions {
    /// Takes the track's frames, from a keyframe on.
    pub input: mpsc::Sender<Frame>,
    /// Gives the renditions' formats and frames; the track's number is the
    /// rendition's place in the list. An error is the last thing that it gives.
    pub output: mpsc::Receiver<Result<Item, Error>>,
}

/// Starts to encode frames of `format` as H.264 in each of these sizes, without
/// B-frames, with keyframes where the input has them.
///
/// # Errors
/// MPEG-TS, by which the child is fed, does not carry the codec; or `ffmpeg` is
/// not there.
pub fn start(
    format: &Arc<Format>,
    renditions: &[Rendition],
    settings: &Settings,
) -> Result<Renditions, Error> {
    if format.codec.kind() != Kind::Video || !Muxer::carries(format.codec) {
        return Err(Error::Unsupported(format.codec, FrameCodec::H264));
    }
    let renditions = &renditions[..renditions.len().min(MAX_RENDITIONS)];
    let arguments = arguments(renditions, settings);
    let child = Supervised::new(Child::start(&settings.ffmpeg, &arguments)?);
    let (input, frames) = mpsc::channel(QUEUE);
    let (to, output) = mpsc::channel(OUT);
    let stage = Stage {
        format: format.clone(),
        arguments,
        settings: settings.clone(),
        child,
        muxer: muxer(format),
        demuxer: Demuxer::new(),
        waits_for_keyframe: true,
        last_in: MediaTime(0),
        last_out: vec![None; renditions.len()],
    };
    tokio::spawn(stage.run(frames, to));
    Ok(Renditions { input, output })
}

/// What `ffmpeg` is told. One transport stream goes in, one with all renditions
/// comes out.
fn arguments(renditions: &[Rendition], settings: &Settings) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |text: &str| arguments.extend(text.split_whitespace().map(str::to_owned));
    // Half a second of looking: the parameter sets are in the first packets.
    add("-probesize 1000000 -analyzeduration 500000 -copyts -f mpegts -i pipe:0");
    let count = renditions.len();
    let outputs: String = (0..count).map(|n| format!("[s{n}]")).collect();
    let mut graph = format!("[0:v:0]split={count}{outputs}");
    for (n, rendition) in renditions.iter().enumerate() {
        let height = rendition.height;
        graph += &format!(";[s{n}]scale=-2:trunc(min({height}\\,ih)/2)*2,format=yuv420p[v{n}]");
    }
    add("-filter_complex");
    add(&graph);
    for (n, rendition) in renditions.iter().enumerate() {
        let bitrate = rendition.bitrate;
        // Half a second of buffer: a keyframe may be large, and no more.
        let buffer = bitrate / 2;
        add(&format!(
            "-map [v{n}] -b:v:{n} {bitrate} -maxrate:v:{n} {bitrate} -bufsize:v:{n} {buffer}"
        ));
    }
    add(&format!("-c:v {}", settings.encoder));
    add(encoder_options(&settings.encoder));
    // Keyframes where the input has them, and nowhere else.
    add("-bf 0 -g 9999 -force_key_frames source -fps_mode passthrough -enc_time_base 1:90000");
    add("-muxdelay 0 -muxpreload 0 -flush_packets 1 -f mpegts pipe:1");
    arguments
}

/// What encoders call "at once and cheap".
fn encoder_options(encoder: &str) -> &'static str {
    match encoder {
        "libx264" => "-preset veryfast -tune zerolatency -sc_threshold 0",
        "h264_nvenc" => "-preset p4 -tune ll -forced-idr 1 -no-scenecut 1",
        "h264_qsv" => "-preset veryfast -async_depth 1 -forced_idr 1",
        _ => "",
    }
}

fn muxer(format: &Arc<Format>) -> Muxer {
    let mut muxer = Muxer::new();
    let item = Item::Format {
        track: TRACK,
        format: format.clone(),
    };
    // `start` has asked whether it carries the codec.
    let _ = muxer.push(&item);
    muxer
}

struct Stage {
    format: Arc<Format>,
    arguments: Vec<String>,
    settings: Settings,
    child: Supervised<Child>,
    muxer: Muxer,
    demuxer: Demuxer,
    waits_for_keyframe: bool,
    last_in: MediaTime,
    /// By rendition.
    last_out: Vec<Option<MediaTime>>,
}

impl Stage {
    async fn run(
        mut self,
        mut frames: mpsc::Receiver<Frame>,
        to: mpsc::Sender<Result<Item, Error>>,
    ) {
        loop {
            let due = self.child.due();
            let result = tokio::select! {
                frame = frames.recv() => match frame {
                    Some(frame) => self.frame(frame),
                    None => return,
                },
                event = next_event(&mut self.child) => match event {
                    Event::Output(bytes) => {
                        self.demuxer.push(&bytes);
                        Ok(())
                    }
                    Event::Ended(words) => self.child.died(words),
                },
                () = due => self.start_again(),
            };
            if let Err(error) = result {
                tracing::warn!("pictures are not encoded anew any more: {error}");
                let _ = to.send(Err(error)).await;
                return;
            }
            while let Some(item) = self.demuxer.poll_item() {
                if let Some(item) = self.place(item)
                    && to.send(Ok(item)).await.is_err()
                {
                    return;
                }
            }
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        let Some(child) = self.child.child() else {
            return Ok(());
        };
        if self.waits_for_keyframe && !frame.keyframe {
            return Ok(());
        }
        self.waits_for_keyframe = false;
        self.last_in = frame.dts;
        let _ = self.muxer.push(&Item::Frame {
            track: TRACK,
            frame,
        });
        if child.give(&self.muxer.take()) {
            return Ok(());
        }
        self.waits_for_keyframe = true;
        tracing::warn!("ffmpeg does not keep up: pictures are left out until the next keyframe");
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.muxer = muxer(&self.format);
        self.demuxer = Demuxer::new();
        self.waits_for_keyframe = true;
        self.child
            .put(Child::start(&self.settings.ffmpeg, &self.arguments))
    }

    /// The child's times are the input's, less what 33 bits do not hold. What
    /// does not go on in time is left out.
    fn place(&mut self, item: Item) -> Option<Item> {
        let Item::Frame { track, mut frame } = item else {
            return matches!(item, Item::Format { .. }).then_some(item);
        };
        let ticks = frame.dts.to_ticks(RATE) - self.last_in.to_ticks(RATE);
        let near = (ticks + WRAP / 2).rem_euclid(WRAP) - WRAP / 2;
        let dts = self.last_in.plus(MediaTime::from_ticks(near, RATE).0);
        frame.pts = dts.plus(frame.pts.since(frame.dts));
        frame.dts = dts;
        let last = self.last_out.get_mut(usize::from(track.0))?;
        if last.is_some_and(|last| dts <= last) {
            return None;
        }
        *last = Some(dts);
        Some(Item::Frame { track, frame })
    }
}

/// For ever, while there is none.
async fn next_event(child: &mut Supervised<Child>) -> Event {
    match child.child() {
        Some(child) => child.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use surecast_media::frame::Shape;

    use super::*;

    /// Four seconds of H.264 with B-frames and a keyframe a second; its first
    /// picture is shown at `at`.
    fn source(at: MediaTime) -> (Arc<Format>, Vec<Frame>) {
        let output = std::process::Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=320x180:r=25:d=4",
            ])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-bf",
                "2",
                "-g",
                "25",
            ])
            .args(["-sc_threshold", "0", "-f", "mpegts", "-"])
            .output()
            .unwrap();
        let mut demuxer = Demuxer::new();
        demuxer.push(&output.stdout);
        demuxer.finish();
        let (mut format, mut frames) = (None, Vec::new());
        let mut first = None;
        while let Some(item) = demuxer.poll_item() {
            match item {
                Item::Format { format: it, .. } => format = Some(it),
                Item::Frame { mut frame, .. } => {
                    let first = *first.get_or_insert(frame.pts);
                    frame.dts = at.plus(frame.dts.since(first));
                    frame.pts = at.plus(frame.pts.since(first));
                    frames.push(frame);
                }
                _ => {}
            }
        }
        (format.unwrap(), frames)
    }

    #[tokio::test]
    async fn renditions_have_aligned_keyframes_at_the_sources_times() {
        let at = MediaTime(1_764_000_000_000_000);
        let (format, frames) = source(at);
        assert!(
            frames.iter().any(|frame| frame.pts != frame.dts),
            "no B-frames to remove"
        );
        let sizes = [
            Rendition {
                height: 720,
                bitrate: 300_000,
            },
            Rendition {
                height: 90,
                bitrate: 100_000,
            },
        ];
        let mut renditions = start(&format, &sizes, &Settings::default()).unwrap();
        let count = frames.len();
        let input = renditions.input;
        tokio::spawn(async move {
            for frame in frames {
                let _ = input.send(frame).await;
            }
            // The end of the input ends the stage: not before the child is done.
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        let mut heights = [0; 2];
        let mut got = [Vec::new(), Vec::new()];
        // A child holds back its last frames until its input ends.
        while got.iter().any(|got| got.len() < count - 10) {
            let next = tokio::time::timeout(Duration::from_secs(50), renditions.output.recv());
            match next.await.unwrap().unwrap().unwrap() {
                Item::Format { track, format } => {
                    let Shape::Video { height, .. } = format.shape else {
                        panic!("sound")
                    };
                    heights[usize::from(track.0)] = height;
                }
                Item::Frame { track, frame } => got[usize::from(track.0)].push(frame),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heights, [180, 90]);
        for got in got {
            for (n, frame) in got.iter().enumerate() {
                assert_eq!(frame.pts, frame.dts);
                let due = at.plus(n as i64 * 40_000);
                assert!(
                    frame.pts.since(due).abs() <= 20,
                    "{n}: {:?} instead of {due:?}",
                    frame.pts
                );
                assert_eq!(frame.keyframe, n % 25 == 0, "picture {n}");
            }
        }
    }
}
