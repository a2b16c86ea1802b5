//! The server's configuration: TOML file, environment, command line.
//!
//! Later sources win: built-in defaults, the file, `SURECAST_…` variables, the
//! command line. What is wrong is reported with its place and, for a key that
//! does not exist, with the nearest one that does.

mod delivery;
mod env;
mod load;
mod print;
mod settings;
mod span;
mod unknown;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use delivery::{Alerts, Mail, Phone};
pub use load::{ConfigError, Sources, load};
pub use print::print;
pub use settings::{SETTINGS, Setting};
pub use span::Span;

/// API key and secret of `--dev`, the pair every LiveKit quick start uses.
pub const DEV_KEY: (&str, &str) = ("devkey", "secret");

/// Everything that can be set. See [`SETTINGS`] for what each key means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store and its outbox live; empty: a temporary directory
    /// (`--dev` only).
    pub data_dir: PathBuf,
    /// HTTP, WebSocket, console.
    pub http: Http,
    /// Certificate for the HTTP port.
    pub tls: Tls,
    /// WebRTC sockets.
    pub rtc: Rtc,
    /// API key → secret.
    pub keys: BTreeMap<String, String>,
    /// Room defaults.
    pub room: Room,
    /// Encoders and players that are not WebRTC.
    pub broadcast: Broadcast,
    /// The RTMP ports.
    pub rtmp: Rtmp,
    /// The SRT port.
    pub srt: Srt,
    /// HLS.
    pub hls: Hls,
    /// Recordings.
    pub record: Record,
    /// Where what must survive a restart is kept.
    pub store: Store,
    /// Event delivery.
    pub webhook: Webhook,
    /// Bounds on what clients may send.
    pub limits: Limits,
    /// Measuring and the evidence log.
    pub guarantee: Guarantee,
    /// Log output.
    pub log: Log,
    /// Set by `--dev` alone; not a key of the file.
    #[serde(skip)]
    pub dev: bool,
    /// Where the guarantee's clock starts, set by `--dev-time` alone.
    #[serde(skip)]
    pub dev_time: Option<jiff::Timestamp>,
}

/// Section `http`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Answer cross-origin requests.
    pub cors: bool,
}

/// Section `tls`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the certificate chain; empty: no TLS.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

impl Tls {
    /// Whether a certificate is configured.
    pub fn enabled(&self) -> bool {
        !self.cert.as_os_str().is_empty()
    }
}

/// Section `rtc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtc {
    /// Address the media sockets bind to; unset: all (`--dev`: as `http.listen`).
    #[serde(with = "settings::optional")]
    pub listen: Option<IpAddr>,
    /// UDP port of the first shard; the next shards use the ports after it.
    pub udp_port: u16,
    /// Serve ICE over TCP.
    pub tcp: bool,
    /// Port of ICE over TCP.
    pub tcp_port: u16,
    /// Shard threads; 0: one per core.
    pub shards: u16,
    /// Addresses told to clients; empty: found out at start.
    pub advertise: Vec<IpAddr>,
}

/// Section `room`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Room {
    /// Joining creates the room.
    pub auto_create: bool,
    /// An unused room ends after this.
    pub empty_timeout: Span,
    /// A room ends this long after the last one left.
    pub departure_timeout: Span,
    /// Participants per room; 0: unlimited.
    pub max_participants: u32,
}

/// Section `rtmp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtmp {
    /// Whether the ports are open.
    pub enabled: bool,
    /// Address and port.
    pub listen: SocketAddr,
    /// Address and port of RTMPS; unset: none.
    #[serde(with = "settings::optional")]
    pub tls_listen: Option<SocketAddr>,
    /// Connections at once, encoders and players.
    pub max_connections: u32,
}

/// Section `srt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Srt {
    /// Whether the port is open.
    pub enabled: bool,
    /// UDP address and port.
    pub listen: SocketAddr,
    /// Callers must have it; empty: none.
    pub passphrase: String,
    /// How long a stream is held back so that lost packets can come again.
    pub latency: Span,
}

/// Section `broadcast`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Broadcast {
    /// A second encoder with the same identity replaces the first.
    pub takeover: bool,
    /// Rooms may be watched without a token.
    pub open_play: bool,
    /// Asked before an encoder is let in; empty: nobody is.
    pub on_publish: String,
    /// Asked before a viewer is let in; empty: nobody is.
    pub on_play: String,
    /// Viewers of one room by doors that are not WebRTC; 0: any number.
    pub max_viewers: u32,
    /// The same from one address; 0: any number.
    pub max_viewers_per_address: u32,
    /// The program that encodes anew what players cannot play.
    pub ffmpeg: PathBuf,
    /// Its encoder of H.264.
    pub encoder: String,
    /// Video that WebRTC cannot play is encoded anew for the room.
    pub transcode_for_webrtc: bool,
    /// Pulls may connect to private networks and this machine.
    pub pull_private: bool,
    /// Directory of the files that pulls may loop; empty: none.
    pub pull_files: PathBuf,
    /// Players wait this long for an encoder that is gone.
    pub linger: Span,
}

/// Section `hls`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hls {
    /// How long a part should be.
    pub part: Span,
    /// A segment ends at the first keyframe after so long.
    pub segment: Span,
    /// How far back a viewer can go.
    pub window: Span,
    /// Media of one room that is kept for that at most, in MiB.
    pub memory_mib: u32,
    /// Segments of a room are made for so long after the last request.
    pub idle: Span,
}

/// Section `record`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// Where files go; empty: `recordings` in the data directory.
    pub dir: PathBuf,
    /// Files grow by pieces of this length.
    pub fragment: Span,
    /// Files are written through to the disk so often.
    pub sync: Span,
    /// Files are rewritten at the end so that they start fast.
    pub faststart: bool,
}

/// Section `store`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `postgres://…`; empty: SQLite in the data directory.
    pub url: String,
}

/// Section `webhook`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Receivers.
    pub urls: Vec<String>,
    /// Key that signs; empty: the only one there is.
    pub api_key: String,
    /// Patience with one request.
    pub timeout: Span,
    /// Undelivered events are dropped after this.
    pub max_age: Span,
    /// Requests under way per receiver.
    pub concurrency: u16,
}

/// Section `limits`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// TCP connections on the HTTP port.
    pub connections: u32,
    /// Bytes of one signalling message.
    pub signal_bytes: u32,
    /// Bytes of one API request.
    pub api_bytes: u32,
    /// Messages waiting for a client that does not read.
    pub outbox_messages: u32,
}

/// Section `guarantee`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guarantee {
    /// Measure, and keep the evidence log in the data directory.
    pub enabled: bool,
    /// The region that this server is in.
    pub region: String,
    /// Modules that get a rollup each minute.
    pub modules: Vec<String>,
    /// The log's name; empty: the host's name and `/log`.
    pub origin: String,
    /// Public keys of witnesses.
    pub witnesses: Vec<String>,
    /// Public keys of probes.
    pub probes: Vec<String>,
    /// Contracts.
    pub contracts: Vec<PathBuf>,
    /// Address of this server in what is sent to people; empty: that of
    /// `http.listen`.
    pub url: String,
    /// Mail.
    pub mail: Mail,
    /// Alerts for other products.
    pub alerts: Alerts,
    /// Calls.
    pub phone: Phone,
    /// A period is settled this long after its end.
    pub settle_after: Span,
    /// A settlement that nobody objected to is final after this.
    pub final_after: Span,
}

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A level, or `target=level` pairs.
    pub level: String,
    /// Text or JSON lines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
