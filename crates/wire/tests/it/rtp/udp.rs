//! RTP over UDP between other programs and us.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};
use surecast_media::nal;
use surecast_media::seq::{Extend16, Extend32};
use surecast_wire::rtp::{Packetizer, RtpIn};

use super::file::{File, checksums, ffmpeg};

const PAYLOAD_TYPE: u8 = 96;

/// How long a program may take for anything on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Packets to a program that listens.
pub struct Sender {
    socket: UdpSocket,
    port: u16,
}

impl Sender {
    /// Waits until a program listens at the port.
    pub fn to(port: u16) -> Self {
        wait_until_bound(port);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        Self { socket, port }
    }

    pub fn send(&self, format: &Format, frames: &[Frame], mtu: usize) {
        let mut packetizer = Packetizer::new(format, mtu);
        let mut seq = 500u16;
        for frame in frames {
            let timestamp = u32::try_from(frame.pts.to_ticks(90_000)).expect("a short stream");
            for payload in packetizer.packetize(frame) {
                seq += 1;
                let mut packet = vec![0x80, PAYLOAD_TYPE | u8::from(payload.marker) << 7];
                packet.extend(seq.to_be_bytes());
                packet.extend(timestamp.to_be_bytes());
                packet.extend(7u32.to_be_bytes());
                packet.extend(&payload.bytes[..]);
                let _ = self.socket.send_to(&packet, ("127.0.0.1", self.port));
            }
            // About as fast as a camera: no buffer overflows.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// FFmpeg as it decodes a stream.
pub struct FfmpegReceiver {
    child: Child,
    pub sender: Sender,
    description: std::path::PathBuf,
}

impl FfmpegReceiver {
    pub fn start(file: &File, format: &Format) -> Self {
        let port = free_port();
        let description = file.path.with_extension("sdp");
        std::fs::write(&description, sdp(port, format)).expect("a place for a description");
        let child = ffmpeg()
            .args(["-protocol_whitelist", "file,udp,rtp", "-i"])
            .arg(&description)
            .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg starts");
        Self {
            child,
            sender: Sender::to(port),
            description,
        }
    }

    /// The checksums of what it decoded, up to ten seconds of silence: then
    /// FFmpeg ends.
    pub fn pictures(self) -> Vec<String> {
        let output = self.child.wait_with_output().expect("ffmpeg ends");
        let _ = std::fs::remove_file(&self.description);
        checksums(&output.stdout)
    }
}

fn sdp(port: u16, format: &Format) -> String {
    let (name, parameters) = match format.codec {
        FrameCodec::H264 => ("H264", "packetization-mode=1".to_owned()),
        FrameCodec::H265 => ("H265", "sprop-max-don-diff=0".to_owned()),
        FrameCodec::Av1 => ("AV1", "profile=0".to_owned()),
        _ => ("VP8", "max-fr=30".to_owned()),
    };
    assert!(
        nal::parameter_sets(format).len() <= 3,
        "all fit into a packet"
    );
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=video {port} RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} {name}/90000\r\n\
         a=fmtp:{PAYLOAD_TYPE} {parameters}\r\n"
    )
}

/// Gives each packet that FFmpeg sends of the file.
pub fn ffmpeg_packets(file: &File, each: impl FnMut(RtpIn)) {
    packets(each, |port| {
        // Its reports go to another port than the default, which may be taken.
        let reports = free_port();
        let target = format!("rtp://127.0.0.1:{port}?pkt_size=900&rtcpport={reports}");
        let mut ffmpeg = ffmpeg();
        ffmpeg.args(["-re", "-i"]).arg(&file.path);
        ffmpeg.args([
            "-c",
            "copy",
            "-strict",
            "experimental",
            "-f",
            "rtp",
            &target,
        ]);
        ffmpeg
    });
}

/// Gives each packet that a program sends, which is told the port.
pub fn packets(mut each: impl FnMut(RtpIn), program: impl FnOnce(u16) -> Command) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let timeout = Some(Duration::from_millis(200));
    socket.set_read_timeout(timeout).expect("a time-out");
    let port = socket.local_addr().expect("an address").port();
    let child = program(port).stdout(Stdio::null()).spawn();
    let mut child = child.expect("the program starts");
    let began = Instant::now();
    let (mut seqs, mut ticks) = (Extend16::new(), Extend32::new());
    let mut ended = false;
    loop {
        let mut packet = [0; 2048];
        match socket.recv(&mut packet) {
            Ok(len) => each(parse(&packet[..len], &mut seqs, &mut ticks)),
            Err(_) if ended => break,
            Err(_) => ended = child.try_wait().expect("its state").is_some(),
        }
        assert!(began.elapsed() < PATIENCE, "it goes on and on");
    }
    assert!(child.wait().expect("it ended").success());
}

fn parse(packet: &[u8], seqs: &mut Extend16, ticks: &mut Extend32) -> RtpIn {
    assert_eq!(packet[0], 0x80, "neither sources nor extensions");
    let timestamp = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
    let extended = i64::try_from(ticks.extend(timestamp)).expect("in range");
    RtpIn {
        seq: seqs.extend(u16::from_be_bytes([packet[2], packet[3]])),
        timestamp,
        marker: packet[1] & 0x80 != 0,
        payload: packet[12..].into(),
        pts: MediaTime::from_ticks(extended, 90_000),
        arrived: Instant::now(),
    }
}

/// A port that is free, and the next one as well, where reports go.
pub fn free_port() -> u16 {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("an address").port();
        if port.is_multiple_of(2) && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A program listens when nobody else can.
fn wait_until_bound(port: u16) {
    let began = Instant::now();
    while UdpSocket::bind(("0.0.0.0", port)).is_ok() {
        assert!(began.elapsed() < PATIENCE, "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}
