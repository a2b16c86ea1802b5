//! A JPEG of a keyframe.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use surecast_media::frame::{Format, Frame, FrameCodec, Shape};
use surecast_media::nal;

use super::Error;
use super::child::{Child, Event};

/// Ten times what it takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A JPEG of 1080 lines at this quality has half of it.
const MAX_BYTES: usize = 2 << 20;

/// The temporal delimiter with which a temporal unit of AV1 begins (AV1 §5.6).
const AV1_DELIMITER: [u8; 2] = [0x12, 0];

/// What precedes the OBUs in an `AV1CodecConfigurationRecord`.
const AV1_CONFIG: usize = 4;

/// A JPEG of `frame`, a keyframe, `height` lines high at most. One child makes
/// it and ends.
///
/// # Errors
/// `ffmpeg` is not there, or cannot decode the picture.
pub async fn jpeg(
    ffmpeg: &Path,
    format: &Format,
    frame: &Frame,
    height: u32,
) -> Result<Bytes, Error> {
    let (demuxer, file) = file(format, frame).ok_or(Error::Ended(format!(
        "no picture can be made of {}",
        format.codec
    )))?;
    let arguments = format!(
        "-threads 1 -f {demuxer} -i pipe:0 -frames:v 1 \
         -vf scale=-2:trunc(min({height}\\,ih)/2)*2 -c:v mjpeg -q:v 5 -f image2pipe pipe:1"
    );
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let mut child = Child::start(ffmpeg, &arguments)?;
    child.write_and_close(file);
    let read = tokio::time::timeout(PATIENCE, read(&mut child)).await;
    read.unwrap_or_else(|_| Err(Error::Ended(format!("no picture in {PATIENCE:?}"))))
}

async fn read(child: &mut Child) -> Result<Bytes, Error> {
    let mut jpeg = Vec::new();
    loop {
        match child.next().await {
            Event::Output(bytes) if jpeg.len() + bytes.len() <= MAX_BYTES => {
                jpeg.extend_from_slice(&bytes);
            }
            Event::Output(_) => return Err(Error::Ended("the picture is too large".into())),
            Event::Ended(_) if jpeg.starts_with(&[0xff, 0xd8]) => return Ok(jpeg.into()),
            Event::Ended(words) => return Err(Error::Ended(words)),
        }
    }
}

/// The frame as a file, and ffmpeg's name of the file's format.
fn file(format: &Format, frame: &Frame) -> Option<(&'static str, Vec<u8>)> {
    Some(match format.codec {
        FrameCodec::H264 => ("h264", nal::to_annex_b(&frame.data, Some(format))),
        FrameCodec::H265 => ("hevc", nal::to_annex_b(&frame.data, Some(format))),
        FrameCodec::Av1 => {
            let config = format.config.get(AV1_CONFIG..).unwrap_or_default();
            ("obu", [&AV1_DELIMITER[..], config, &frame.data].concat())
        }
        FrameCodec::Vp8 => ("ivf", ivf(b"VP80", format, frame)),
        FrameCodec::Vp9 => ("ivf", ivf(b"VP90", format, frame)),
        FrameCodec::Opus | FrameCodec::Aac | FrameCodec::Mp3 => return None,
    })
}

/// IVF, as libvpx's tools write it: a header of 32 bytes, then frames.
fn ivf(codec: &[u8; 4], format: &Format, frame: &Frame) -> Vec<u8> {
    let (width, height) = match format.shape {
        Shape::Video { width, height } => (width as u16, height as u16),
        Shape::Audio { .. } => (0, 0),
    };
    let mut file = b"DKIF\0\0\x20\0".to_vec();
    file.extend_from_slice(codec);
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    // Frames a second as a fraction, frames, unused.
    for number in [25u32, 1, 1, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&(frame.data.len() as u32).to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(&frame.data);
    file
}

#[cfg(test)]
mod tests {
    use surecast_media::frame::{Item, MediaTime};

    use super::*;

    /// The first keyframe of a test picture, by way of MPEG-TS.
    fn by_mpegts(codec: &str) -> (Format, Frame) {
        let file = ffmpeg(&format!("-c:v {codec} -f mpegts"));
        let mut demuxer = surecast_wire::mpegts::Demuxer::new();
        demuxer.push(&file);
        demuxer.finish();
        let mut format = None;
        while let Some(item) = demuxer.poll_item() {
            match item {
                Item::Format { format: it, .. } => format = Some(it),
                Item::Frame { frame, .. } => {
                    assert!(frame.keyframe);
                    return (format.unwrap().as_ref().clone(), frame);
                }
                _ => {}
            }
        }
        panic!("no frame");
    }

    fn ffmpeg(output: &str) -> Vec<u8> {
        let command = format!("-v error -f lavfi -i testsrc2=s=320x180:r=5:d=1 {output} -");
        let output = std::process::Command::new("ffmpeg")
            .args(command.split(' '))
            .output();
        output.unwrap().stdout
    }

    async fn check(format: &Format, frame: &Frame) {
        let jpeg = jpeg(Path::new("ffmpeg"), format, frame, 90).await.unwrap();
        // Height and width stand in the frame header.
        let at = jpeg
            .windows(2)
            .position(|bytes| bytes == [0xff, 0xc0])
            .unwrap();
        assert_eq!(jpeg[at + 5..at + 9], [0, 90, 0, 160], "{}", format.codec);
    }

    #[tokio::test]
    async fn keyframes_become_pictures() {
        for codec in ["libx264", "libx265"] {
            let (format, frame) = by_mpegts(codec);
            check(&format, &frame).await;
        }
        let file = ffmpeg("-c:v libvpx -f ivf");
        let length = u32::from_le_bytes(file[32..36].try_into().unwrap()) as usize;
        let data = Bytes::copy_from_slice(&file[44..44 + length]);
        let at = MediaTime(0);
        let frame = Frame {
            dts: at,
            pts: at,
            keyframe: true,
            data,
        };
        let format = surecast_media::vp8::format_from_keyframe(&frame.data).unwrap();
        check(&format, &frame).await;
    }

    #[tokio::test]
    async fn what_is_no_picture_is_an_error() {
        let (format, mut frame) = by_mpegts("libx264");
        frame.data = Bytes::from_static(&[0, 0, 0, 4, 0x65, 0xff, 0xff, 0xff]);
        let error = jpeg(Path::new("ffmpeg"), &format, &frame, 90)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, Error::Ended(_)), "{error}");
    }
}
