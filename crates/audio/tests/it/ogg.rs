//! Opus in Ogg (RFC 3533, RFC 7845), as much as ffmpeg needs to read it.

use std::io::Write;
use std::process::{Command, Stdio};

use surecast_media::frame::{Format, Frame};

/// An Ogg file with one packet a page; its time begins with the first packet.
pub(crate) fn write(format: &Format, packets: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    let head = [b"OpusHead", &format.config[..]].concat();
    page(&mut out, 2, 0, 0, &head);
    page(&mut out, 0, 0, 1, b"OpusTags\x04\0\0\0test\0\0\0\0");
    for (n, packet) in packets.iter().enumerate() {
        page(
            &mut out,
            0,
            (n as u64 + 1) * 960,
            n as u32 + 2,
            &packet.data,
        );
    }
    out
}

fn page(out: &mut Vec<u8>, flags: u8, granule: u64, sequence: u32, packet: &[u8]) {
    let start = out.len();
    out.extend_from_slice(b"OggS\0");
    out.push(flags);
    out.extend_from_slice(&granule.to_le_bytes());
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push((packet.len() / 255 + 1) as u8);
    out.extend(std::iter::repeat_n(255, packet.len() / 255));
    out.push((packet.len() % 255) as u8);
    out.extend_from_slice(packet);
    let sum = out[start..].iter().fold(0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    out[start + 22..start + 26].copy_from_slice(&sum.to_le_bytes());
}

/// What ffmpeg's own decoder makes of it: the left channel at 48 kHz; `None`
/// where there is no ffmpeg.
pub(crate) fn decode(file: &[u8]) -> Option<Vec<f32>> {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-c:a", "opus", "-f", "ogg", "-i", "-"])
        .args(["-filter:a", "pan=mono|c0=c0", "-f", "f32le", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let file = file.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&file));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let (samples, rest) = output.stdout.as_chunks::<4>();
    assert!(rest.is_empty() && !samples.is_empty());
    Some(
        samples
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
    )
}
