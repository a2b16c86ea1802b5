//! A track's sound in another codec.

use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_audio::{AacToOpus, OpusToPcm, PcmToOpus};
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};
use tokio::sync::mpsc;

use super::aac_encoder::{AacEncoder, Encoded};
use super::outside_decoder::{CHANNELS, Decoded, OutsideDecoder};
use super::supervised::Supervised;
use super::{Error, Settings};
use crate::clock;

/// Frames that wait on either side: over a second of any codec. Who gives does
/// not wait, so what does not fit is lost.
const QUEUE: usize = 64;

/// How often it is looked whether sound is missing.
const TICK: Duration = Duration::from_millis(50);

/// Silence is made for what should have been heard so long ago, in microseconds:
/// packets that come later than that are cut. Jitter of packets is far below,
/// and players of AAC buffer more.
const SILENT_AFTER: i64 = 150_000;

/// A track on its way into another codec. It ends when `input` is dropped, and
/// when `output` is.
pub struct Transcode {
    /// Of the frames that come out; they may begin some milliseconds before the
    /// first that went in.
    pub format: Arc<Format>,
    /// Takes the track's frames, on one timeline that runs with the clock.
    pub input: mpsc::Sender<Frame>,
    /// Gives them anew. An error is the last thing that it gives.
    pub output: mpsc::Receiver<Result<Frame, Error>>,
}

/// Starts to encode frames of `format` as `to`: AAC or MP3 as Opus, Opus as AAC.
///
/// # Errors
/// Nothing makes the one of the other, or `ffmpeg` is needed and not there.
pub fn start(format: &Format, to: FrameCodec, settings: &Settings) -> Result<Transcode, Error> {
    let (input, frames) = mpsc::channel(QUEUE);
    let (results, output) = mpsc::channel(QUEUE);
    let out = Output { results };
    let format = match (format.codec, to) {
        (FrameCodec::Aac | FrameCodec::Mp3, FrameCodec::Opus) => {
            to_opus(format, settings, frames, out)?
        }
        (FrameCodec::Opus, FrameCodec::Aac) => to_aac(format, settings, frames, out)?,
        (from, to) => return Err(Error::Unsupported(from, to)),
    };
    Ok(Transcode {
        format,
        input,
        output,
    })
}

/// In the process where that loses nothing, else by an `ffmpeg`.
fn to_opus(
    format: &Format,
    settings: &Settings,
    frames: mpsc::Receiver<Frame>,
    out: Output,
) -> Result<Arc<Format>, Error> {
    let inside = match format.codec {
        FrameCodec::Aac => AacToOpus::new(format, settings.opus).map_err(Error::from),
        codec => Err(Error::Unsupported(codec, FrameCodec::Opus)),
    };
    if let Ok(stage) = inside.as_ref().map(AacToOpus::is_core_only)
        && !stage
    {
        return Ok(start_inside(inside?, frames, out));
    }
    let decoder = match (OutsideDecoder::start(&settings.ffmpeg, format), inside) {
        (Ok(decoder), _) => decoder,
        (Err(error), Ok(stage)) => {
            tracing::warn!("of HE-AAC only the lower half of the frequencies is heard: {error}");
            return Ok(start_inside(stage, frames, out));
        }
        (Err(error), Err(_)) => return Err(error),
    };
    let stage = PcmToOpus::new(CHANNELS, settings.opus)?;
    let opus = stage.format().clone();
    let decoder = Supervised::new(decoder);
    let (settings, format) = (settings.clone(), format.clone());
    let outside = OutsideToOpus {
        decoder,
        stage,
        settings,
        format,
    };
    tokio::spawn(outside.run(frames, out));
    Ok(opus)
}

fn to_aac(
    format: &Format,
    settings: &Settings,
    frames: mpsc::Receiver<Frame>,
    out: Output,
) -> Result<Arc<Format>, Error> {
    let stage = OpusToPcm::new(format)?;
    let channels = stage.channels();
    let encoder = AacEncoder::start(&settings.ffmpeg, channels, settings.aac_bitrate, None)?;
    let encoder = Supervised::new(encoder);
    let settings = settings.clone();
    let stage = ToAac {
        stage,
        encoder,
        settings,
        heard: None,
        last: None,
    };
    tokio::spawn(stage.run(frames, out));
    Ok(AacEncoder::format(channels))
}

struct Output {
    results: mpsc::Sender<Result<Frame, Error>>,
}

/// Nobody takes the output any more.
struct Gone;

impl Output {
    async fn give(&self, frames: impl IntoIterator<Item = Frame>) -> Result<(), Gone> {
        for frame in frames {
            self.results.send(Ok(frame)).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    async fn fail(&self, error: Error) -> Gone {
        tracing::warn!("sound is not encoded anew any more: {error}");
        let _ = self.results.send(Err(error)).await;
        Gone
    }
}

fn start_inside(stage: AacToOpus, frames: mpsc::Receiver<Frame>, out: Output) -> Arc<Format> {
    let format = stage.format().clone();
    tokio::spawn(run_inside(stage, frames, out));
    format
}

async fn run_inside(mut stage: AacToOpus, mut frames: mpsc::Receiver<Frame>, out: Output) {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = stage.push(&frame) {
            out.fail(error.into()).await;
            return;
        }
        let made = std::iter::from_fn(|| stage.poll());
        if out.give(made).await.is_err() {
            return;
        }
    }
}

/// What `ffmpeg` decodes, to Opus.
struct OutsideToOpus {
    decoder: Supervised<OutsideDecoder>,
    stage: PcmToOpus,
    settings: Settings,
    format: Format,
}

impl OutsideToOpus {
    async fn run(mut self, mut frames: mpsc::Receiver<Frame>, out: Output) {
        loop {
            let due = self.decoder.due();
            let result = tokio::select! {
                frame = frames.recv() => match frame {
                    Some(frame) => self.frame(&frame),
                    None => return,
                },
                decoded = next_decoded(&mut self.decoder) => self.decoded(decoded),
                () = due => {
                    let another = OutsideDecoder::start(&self.settings.ffmpeg, &self.format);
                    self.decoder.put(another)
                }
            };
            if let Err(error) = result {
                out.fail(error).await;
                return;
            }
            let made = std::iter::from_fn(|| self.stage.poll());
            if out.give(made).await.is_err() {
                return;
            }
        }
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), Error> {
        let fits = self.decoder.child().is_none_or(|it| it.give(frame));
        if fits {
            return Ok(());
        }
        self.decoder.died("it does not keep up".into())
    }

    fn decoded(&mut self, decoded: Decoded) -> Result<(), Error> {
        match decoded {
            Decoded::Pieces(pieces) => {
                pieces
                    .into_iter()
                    .try_for_each(|piece| self.stage.piece(piece))?;
                Ok(())
            }
            Decoded::Ended(words) => self.decoder.died(words),
        }
    }
}

/// Opus to AAC.
struct ToAac {
    stage: OpusToPcm,
    encoder: Supervised<AacEncoder>,
    settings: Settings,
    /// When a packet came last, and its time.
    heard: Option<(Instant, MediaTime)>,
    /// Of the last frame that came out.
    last: Option<MediaTime>,
}

impl ToAac {
    async fn run(mut self, mut frames: mpsc::Receiver<Frame>, out: Output) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut made = Vec::new();
            let due = self.encoder.due();
            let result = tokio::select! {
                frame = frames.recv() => match frame {
                    Some(frame) => self.packet(&frame),
                    None => return,
                },
                encoded = next_encoded(&mut self.encoder) => match encoded {
                    Encoded::Frames(frames) => {
                        made = frames;
                        Ok(())
                    }
                    Encoded::Ended(words) => self.encoder.died(words),
                },
                _ = tick.tick() => self.silence(),
                () = due => self.start_again(),
            };
            if let Err(error) = result {
                out.fail(error).await;
                return;
            }
            self.last = made.last().map(|frame| frame.dts).or(self.last);
            if out.give(made).await.is_err() {
                return;
            }
        }
    }

    fn packet(&mut self, frame: &Frame) -> Result<(), Error> {
        self.heard = Some((clock::now().at, frame.pts));
        self.stage.push(frame)?;
        self.encode()
    }

    /// A muted microphone sends nothing, but players wait for sound before they
    /// show pictures.
    fn silence(&mut self) -> Result<(), Error> {
        if let Some((at, time)) = self.heard {
            let since = clock::now().at.saturating_duration_since(at).as_micros();
            let since = i64::try_from(since).unwrap_or(i64::MAX);
            self.stage
                .silence(time.plus(since.saturating_sub(SILENT_AFTER)));
        }
        self.encode()
    }

    fn encode(&mut self) -> Result<(), Error> {
        while let Some(piece) = self.stage.poll() {
            if let Some(encoder) = self.encoder.child()
                && !encoder.give(&piece)
            {
                self.encoder.died("it does not keep up".into())?;
            }
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        let (channels, bitrate) = (self.stage.channels(), self.settings.aac_bitrate);
        let another = AacEncoder::start(&self.settings.ffmpeg, channels, bitrate, self.last);
        self.encoder.put(another)
    }
}

/// For ever, while there is none.
async fn next_encoded(encoder: &mut Supervised<AacEncoder>) -> Encoded {
    match encoder.child() {
        Some(encoder) => encoder.next().await,
        None => std::future::pending().await,
    }
}

/// For ever, while there is none.
async fn next_decoded(decoder: &mut Supervised<OutsideDecoder>) -> Decoded {
    match decoder.child() {
        Some(decoder) => decoder.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "0.5*sin(2*PI*1000*t)*lt(mod(t,0.5),0.01)";

    /// Runs `ffmpeg`.
    fn ffmpeg(arguments: &str, input: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut child = std::process::Command::new("ffmpeg")
            .args(["-v", "error"])
            .args(arguments.split(' '))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        assert!(output.status.success());
        output.stdout
    }

    /// Ten milliseconds of 1 kHz every half second, as AAC; heard from `at` on.
    fn clicks(channels: u8, at: MediaTime) -> (Format, Vec<Frame>) {
        let sound = format!("'{}'", vec![SOUND; channels.into()].join("|"));
        let arguments = format!("-f lavfi -i aevalsrc={sound}:s=48000:d=3 -c:a aac -f adts -");
        let adts = ffmpeg(&arguments, &[]);
        let config = surecast_media::aac::AudioSpecificConfig::low_complexity(48_000, channels);
        let frames = surecast_media::aac::adts::frames(&adts).enumerate();
        let frames = frames.map(|(n, (_, data))| {
            let at = at.plus(MediaTime::from_ticks((n as i64 - 1) * 1024, 48_000).0);
            Frame {
                dts: at,
                pts: at,
                keyframe: true,
                data: bytes::Bytes::copy_from_slice(data),
            }
        });
        (config.format(), frames.collect())
    }

    /// Feeds a track as fast as time goes by, and takes what comes.
    async fn run(mut transcode: Transcode, frames: Vec<Frame>) -> Vec<Frame> {
        let mut got = Vec::new();
        let mut last = frames[0].pts;
        for frame in frames {
            let wait = frame.pts.since(last).max(0).unsigned_abs();
            tokio::time::sleep(Duration::from_micros(wait)).await;
            last = frame.pts;
            transcode.input.send(frame).await.unwrap();
            while let Ok(frame) = transcode.output.try_recv() {
                got.push(frame.unwrap());
            }
        }
        // Silence goes on for ever.
        while got.last().is_none_or(|frame: &Frame| frame.dts < last) {
            let next = tokio::time::timeout(Duration::from_millis(500), transcode.output.recv());
            match next.await {
                Ok(Some(frame)) => got.push(frame.unwrap()),
                _ => break,
            }
        }
        got
    }

    /// The middle of each click in samples of one channel, in microseconds.
    fn middles(samples: &[f32]) -> Vec<f64> {
        let loud = |second: usize| {
            let (mut sum, mut energy) = (0.0, 0.0);
            let from = (second * 24_000).saturating_sub(4_800);
            for (n, sample) in samples.iter().enumerate().skip(from).take(14_400) {
                energy += f64::from(*sample).powi(2);
                sum += n as f64 * f64::from(*sample).powi(2);
            }
            assert!(
                (40.0..80.0).contains(&energy),
                "click {second} has an energy of {energy}"
            );
            sum / energy / 0.048
        };
        (1..5).map(loud).collect()
    }

    fn to_aac_file(format: &Format, frames: &[Frame]) -> Vec<u8> {
        let config = surecast_media::aac::AudioSpecificConfig::parse(&format.config).unwrap();
        let adts = frames.iter().flat_map(|frame| {
            let header = surecast_media::aac::adts::header(&config, frame.data.len()).unwrap();
            [&header[..], &frame.data].concat()
        });
        adts.collect()
    }

    fn floats(bytes: &[u8]) -> Vec<f32> {
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect()
    }

    /// AAC to Opus and back again to AAC, then ffmpeg listens.
    #[tokio::test]
    async fn clicks_stay_where_they_are() {
        let at = MediaTime(1_764_000_000_000_123);
        let (aac, frames) = clicks(2, at);
        let settings = Settings::default();
        let transcode = start(&aac, FrameCodec::Opus, &settings).unwrap();
        let opus = transcode.format.clone();
        let mut stage = AacToOpus::new(&aac, settings.opus).unwrap();
        let mut packets = Vec::new();
        for frame in &frames {
            stage.push(frame).unwrap();
            packets.extend(std::iter::from_fn(|| stage.poll()));
        }
        drop(transcode);
        let transcode = start(&opus, FrameCodec::Aac, &settings).unwrap();
        let back = transcode.format.clone();
        let frames = run(transcode, packets).await;
        assert!(
            frames
                .windows(2)
                .all(|pair| (21_333..=21_334).contains(&pair[1].dts.since(pair[0].dts)))
        );
        let file = to_aac_file(&back, &frames);
        let samples = ffmpeg("-f aac -i - -af pan=mono|c0=c1 -f f32le -", &file);
        let first = frames[0].pts.since(at) as f64;
        for (n, middle) in middles_from(&floats(&samples), first)
            .into_iter()
            .enumerate()
        {
            let due = (n + 1) as f64 * 500_000.0 + 5_000.0;
            assert!(
                (middle - due).abs() < 5_000.0,
                "click {n} at {middle} instead of {due}"
            );
        }
    }

    /// As `middles`, of samples of which the first is heard at `first`.
    fn middles_from(samples: &[f32], first: f64) -> Vec<f64> {
        let shift = (first * 0.048).round() as i64;
        let moved: Vec<f32> = if shift >= 0 {
            std::iter::repeat_n(0.0, shift as usize)
                .chain(samples.iter().copied())
                .collect()
        } else {
            samples[shift.unsigned_abs() as usize..].to_vec()
        };
        middles(&moved)
    }

    /// Six channels are decoded outside.
    #[tokio::test]
    async fn what_the_process_does_not_decode_ffmpeg_does() {
        let at = MediaTime(1_764_000_000_000_123);
        let (aac, frames) = clicks(6, at);
        let transcode = start(&aac, FrameCodec::Opus, &Settings::default()).unwrap();
        let opus = transcode.format.clone();
        let packets = run(transcode, frames).await;
        assert!(
            packets
                .windows(2)
                .all(|pair| pair[1].dts.since(pair[0].dts) == 20_000)
        );
        let mut stage = OpusToPcm::new(&opus).unwrap();
        let mut samples = Vec::new();
        for packet in &packets {
            stage.push(packet).unwrap();
            let pieces = std::iter::from_fn(|| stage.poll());
            samples.extend(pieces.flat_map(|piece| piece.samples).step_by(2));
        }
        let first = packets[0].pts.since(at) as f64;
        // Six channels in two are louder.
        let peak = samples
            .iter()
            .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let samples: Vec<f32> = samples.iter().map(|sample| sample / peak / 2.0).collect();
        for (n, middle) in middles_from(&samples, first).into_iter().enumerate() {
            let due = (n + 1) as f64 * 500_000.0 + 5_000.0;
            assert!(
                (middle - due).abs() < 5_000.0,
                "click {n} at {middle} instead of {due}"
            );
        }
    }

    /// A microphone that is muted after a second gives silence in time.
    #[tokio::test]
    async fn silence_is_sound_too() {
        let (aac, frames) = clicks(2, MediaTime(0));
        let settings = Settings::default();
        let mut stage = AacToOpus::new(&aac, settings.opus).unwrap();
        let mut packets = Vec::new();
        for frame in &frames[..48] {
            stage.push(frame).unwrap();
            packets.extend(std::iter::from_fn(|| stage.poll()));
        }
        let mut transcode = start(stage.format(), FrameCodec::Aac, &settings).unwrap();
        let started = clock::now().at;
        for packet in packets {
            transcode.input.send(packet).await.unwrap();
        }
        let mut last = MediaTime(0);
        while last.0 < 2_500_000 {
            last = transcode.output.recv().await.unwrap().unwrap().dts;
        }
        let took = clock::now().at.saturating_duration_since(started);
        assert!(
            took > Duration::from_secs(1),
            "silence came before its time: {took:?}"
        );
        assert!(
            took < Duration::from_secs(10),
            "silence came late: {took:?}"
        );
    }

    #[tokio::test]
    async fn without_ffmpeg_the_setting_is_named() {
        let settings = Settings {
            ffmpeg: "/nowhere/ffmpeg".into(),
            ..Settings::default()
        };
        let opus = surecast_media::opus::format(48_000, 2, 312);
        let error = start(&opus, FrameCodec::Aac, &settings).err().unwrap();
        assert!(error.to_string().contains("broadcast.ffmpeg"), "{error}");
        let error = start(&opus, FrameCodec::Mp3, &settings).err().unwrap();
        assert_eq!(error.to_string(), "Opus does not become MP3 here");
        // HE-AAC: its core, in the process.
        let he = bytes::Bytes::from_static(&[0x2b, 0x11, 0x88, 0x00]);
        let he = surecast_media::aac::format_from_config(he).unwrap();
        assert!(start(&he, FrameCodec::Opus, &settings).is_ok());
    }
}
