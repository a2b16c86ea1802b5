//! VP9 with GStreamer.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use surecast_wire::rtp::RtpIn;

use super::file::File;
use super::udp::{PATIENCE, Sender, free_port, packets};

/// The frames, one after the other, that GStreamer puts together. It ends when no
/// more of them come for two seconds.
pub fn receive(file: &File, send: impl FnOnce(&Sender)) -> Vec<u8> {
    let port = free_port();
    let out = file.path.with_extension("frames");
    let caps = "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP9,payload=96";
    let mut child = Command::new("gst-launch-1.0")
        .args(["-q", "udpsrc", "address=127.0.0.1"])
        .args([format!("port={port}"), format!("caps={caps}")])
        .args([
            "!",
            "rtpvp9depay",
            "!",
            "filesink",
            "buffer-mode=unbuffered",
        ])
        .arg(format!("location={}", out.display()))
        .stdout(Stdio::null())
        .spawn()
        .expect("gstreamer starts");
    send(&Sender::to(port));
    let began = Instant::now();
    let mut frames = Vec::new();
    loop {
        std::thread::sleep(Duration::from_secs(2));
        let more = std::fs::read(&out).expect("what gstreamer wrote");
        let ended = more.len() == frames.len();
        frames = more;
        if ended || began.elapsed() > PATIENCE {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_file(&out);
    frames
}

/// Gives each packet that GStreamer makes of the file.
pub fn send(file: &File, each: impl FnMut(RtpIn)) {
    packets(each, |port| {
        let mut command = Command::new("gst-launch-1.0");
        command.args(["-q", "filesrc"]);
        command.arg(format!("location={}", file.path.display()));
        command.args(["!", "ivfparse", "!", "rtpvp9pay", "mtu=900", "!", "udpsink"]);
        command.args(["host=127.0.0.1".to_owned(), format!("port={port}")]);
        command
    });
}
