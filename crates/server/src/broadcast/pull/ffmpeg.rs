//! An `ffmpeg` child that copies a stream into MPEG-TS.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::address_guard::AddressGuard;
use super::proxy::Proxy;
use super::{Input, PIECES, lock};

/// Bytes of a piece: 50 ms at 10 Mbit/s.
const PIECE: usize = 64 << 10;
/// Of a line that it complains with.
const MAX_WORDS: usize = 300;
/// What a source may be. Scripts that name other sources (`concat`) and devices
/// are not among it.
const FORMATS: &str = "hls,mpegts,flv,mov,aac,mp3,matroska,live_flv";

/// A file, over and over, at the speed at which it plays.
pub(super) fn file(program: &Path, path: &Path) -> Result<Input, String> {
    let mut command = command(program, "file");
    command.args(["-re", "-stream_loop", "-1", "-i"]).arg(path);
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    start(command, nowhere, None)
}

/// HTTP and HLS: every connection goes through our proxy, which checks where
/// to, so also redirects, and what a playlist names.
pub(super) async fn http(
    program: &Path,
    url: &str,
    address: SocketAddr,
    guard: AddressGuard,
) -> Result<Input, String> {
    let proxy = Proxy::open(guard)
        .await
        .map_err(|error| format!("cannot open a proxy: {error}"))?;
    let mut command = command(program, "http,https,tcp,tls,httpproxy,crypto,data");
    // What the child may not be without is in its environment, where a playlist
    // cannot change it.
    command
        .env("http_proxy", proxy.url())
        .env_remove("no_proxy");
    // A file or a playlist that is over comes as quickly as the network allows.
    command.args(["-re", "-rw_timeout", "15000000", "-i", url]);
    start(command, address, Some(proxy))
}

/// RTMP: to the address that was checked, with the name that was said.
pub(super) fn rtmp(
    program: &Path,
    address: SocketAddr,
    host: &str,
    path: &str,
) -> Result<Input, String> {
    let mut command = command(program, "rtmp,tcp");
    let app = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let said = format!("rtmp://{host}:{}/{app}", address.port());
    command.args(["-rtmp_live", "live", "-rtmp_tcurl", &said]);
    command.args([
        "-rw_timeout",
        "15000000",
        "-i",
        &format!("rtmp://{address}{path}"),
    ]);
    start(command, address, None)
}

fn command(program: &Path, protocols: &str) -> Command {
    let mut command = Command::new(program);
    command.args([
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        "error",
        "-fflags",
        "+genpts",
    ]);
    command.args([
        "-protocol_whitelist",
        protocols,
        "-format_whitelist",
        FORMATS,
    ]);
    command
}

/// Ends the child with the input; the proxy goes with it.
struct Reader {
    child: Mutex<Child>,
    _proxy: Option<Proxy>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn start(mut command: Command, from: SocketAddr, proxy: Option<Proxy>) -> Result<Input, String> {
    command.args([
        "-map",
        "0:v:0?",
        "-map",
        "0:a:0?",
        "-c",
        "copy",
        "-f",
        "mpegts",
        "-flush_packets",
        "1",
        "pipe:1",
    ]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let program = command.get_program().display();
        format!("cannot start `{program}` (`broadcast.ffmpeg`), which this source needs: {error}")
    })?;
    let (sender, pieces) = mpsc::channel(PIECES);
    let error = Arc::new(Mutex::new(String::new()));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let words = error.clone();
    let complaints = stderr.map(|stderr| std::thread::spawn(move || listen(stderr, &words)));
    if let Some(stdout) = stdout {
        std::thread::spawn(move || {
            read(stdout, &sender);
            // Its last words come before its end is told.
            if let Some(complaints) = complaints {
                let _ = complaints.join();
            }
        });
    }
    let reader = Reader {
        child: Mutex::new(child),
        _proxy: proxy,
    };
    Ok(Input {
        pieces,
        from,
        error,
        _reader: Box::new(reader),
    })
}

/// Until it ends, or nobody takes what it says.
fn read(mut stdout: impl Read, pieces: &mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; PIECE];
    loop {
        match stdout.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if pieces
                    .blocking_send(Bytes::copy_from_slice(&buffer[..length]))
                    .is_err()
                {
                    return;
                }
            }
        }
    }
}

/// Keeps the last line.
fn listen(stderr: impl Read, words: &Mutex<String>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { return };
        let line = line.trim();
        if !line.is_empty() {
            let line: String = line.chars().take(MAX_WORDS).collect();
            *lock(words) = format!("ffmpeg: {line}");
        }
    }
}
