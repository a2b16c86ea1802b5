//! Every key with its meaning and its default: the one list behind
//! `config print`, the environment variables and "did you mean".

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{
    Alerts, Broadcast, Config, DEV_KEY, Guarantee, Hls, Http, Limits, Log, LogFormat, Mail, Phone,
    Record, Room, Rtc, Rtmp, Span, Srt, Webhook,
};

/// One key of the file.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Dotted, `http.listen`.
    pub key: &'static str,
    /// What it does, one line.
    pub about: &'static str,
}

const fn setting(key: &'static str, about: &'static str) -> Setting {
    Setting { key, about }
}

/// All keys in the order in which they are printed. `keys` is a table of the
/// operator's own names, so it stands here without members.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        "directory of the store; with --dev and empty: a temporary one, removed at the end",
    ),
    setting(
        "http.listen",
        "address and port of HTTP, WebSocket and the console; port 0: any free one",
    ),
    setting(
        "http.cors",
        "answer requests from web pages of other origins",
    ),
    setting(
        "tls.cert",
        "PEM file with the certificate chain; empty: plain HTTP. Reloaded when it changes",
    ),
    setting("tls.key", "PEM file with the certificate's private key"),
    setting(
        "rtc.listen",
        "address of the media sockets; empty: all (with --dev: that of http.listen)",
    ),
    setting(
        "rtc.udp_port",
        "WebRTC UDP port of the first shard, the others follow; 0: any free ones",
    ),
    setting(
        "rtc.tcp",
        "serve ICE over TCP, for clients whose network drops UDP",
    ),
    setting("rtc.tcp_port", "port of ICE over TCP; 0: any free one"),
    setting("rtc.shards", "media threads; 0: one per core"),
    setting(
        "rtc.advertise",
        "addresses at which clients reach the media ports; empty: found out at start",
    ),
    setting(
        "keys",
        "API key = \"secret\", one line each; `openssl rand -hex 32` makes a good secret",
    ),
    setting(
        "room.auto_create",
        "joining a room that does not exist creates it",
    ),
    setting(
        "room.empty_timeout",
        "a room that nobody joins ends after this",
    ),
    setting(
        "room.departure_timeout",
        "a room ends this long after the last one left",
    ),
    setting(
        "room.max_participants",
        "participants per room; 0: unlimited",
    ),
    setting(
        "broadcast.takeover",
        "an encoder replaces another one of the same identity in the room; false: it is refused",
    ),
    setting(
        "broadcast.open_play",
        "rooms may be watched by HLS, FLV, RTMP, SRT and WHEP without a token",
    ),
    setting(
        "broadcast.on_publish",
        "asked (POST, signed JSON) before an encoder is let in; any answer but 2xx refuses, with its text; empty: nobody is asked",
    ),
    setting(
        "broadcast.on_play",
        "asked in the same way before a viewer is let in by HLS, FLV, RTMP, SRT or WHEP",
    ),
    setting(
        "broadcast.max_viewers",
        "viewers of one room by these doors; 0: any number",
    ),
    setting(
        "broadcast.max_viewers_per_address",
        "viewers from one address by these doors; 0: any number",
    ),
    setting(
        "broadcast.ffmpeg",
        "the program ffmpeg, for what is encoded anew: a path, or a name that is looked up in PATH",
    ),
    setting(
        "broadcast.encoder",
        "ffmpeg's encoder of H.264: libx264, or of the hardware, such as h264_nvenc, h264_qsv, h264_v4l2m2m",
    ),
    setting(
        "broadcast.transcode_for_webrtc",
        "video that WebRTC cannot play (B-frames, H.265) is encoded anew for the room; false: the room does without it",
    ),
    setting(
        "broadcast.pull_private",
        "streams may be pulled from private networks and from this machine, not only from the Internet",
    ),
    setting(
        "broadcast.pull_files",
        "directory of the files that may be pulled, in a loop, as file:///NAME; empty: none",
    ),
    setting(
        "broadcast.linger",
        "players stay for so long when an encoder is gone, so that it can come back",
    ),
    setting("rtmp.enabled", "open a TCP port for RTMP"),
    setting("rtmp.listen", "its address and port; port 0: any free one"),
    setting(
        "rtmp.tls_listen",
        "address and port of RTMPS, with the certificate of tls.cert, such as 0.0.0.0:1936; empty: none",
    ),
    setting(
        "rtmp.max_connections",
        "connections at once on these ports, encoders and players",
    ),
    setting("srt.enabled", "open a UDP port for SRT"),
    setting("srt.listen", "its address and port; port 0: any free one"),
    setting(
        "srt.passphrase",
        "callers encrypt with it (10 to 79 bytes), or are refused; empty: nobody encrypts",
    ),
    setting(
        "srt.latency",
        "streams are held back for so long, so that lost packets can come again; callers may ask for more",
    ),
    setting(
        "hls.part",
        "length of a part: players are about four of them behind; it becomes a whole number of frames",
    ),
    setting(
        "hls.segment",
        "a segment ends at the first keyframe after this; a smaller distance between keyframes than this does not make it shorter",
    ),
    setting("hls.window", "how far back viewers can go"),
    setting(
        "hls.memory_mib",
        "MiB of media that are kept for that, of each room; less of the window where a stream has more",
    ),
    setting(
        "hls.idle",
        "segments of a room are made from the first request until nobody has asked for so long",
    ),
    setting(
        "record.dir",
        "folder of recordings; empty: `recordings` in the data directory",
    ),
    setting(
        "record.fragment",
        "recordings grow by pieces of this length: what is lost where the server dies",
    ),
    setting(
        "record.sync",
        "recordings are written through to the disk so often: what is lost where the machine dies",
    ),
    setting(
        "record.faststart",
        "rewrite a recording when it ends (with ffmpeg), so that players find its index at the front",
    ),
    setting(
        "store.url",
        "postgres://USER:PASSWORD@HOST/DATABASE; empty: SQLite in the data directory",
    ),
    setting("webhook.urls", "receivers of room events, http or https"),
    setting(
        "webhook.api_key",
        "the API key that signs events; may be empty when there is only one",
    ),
    setting("webhook.timeout", "how long a receiver may take to answer"),
    setting(
        "webhook.max_age",
        "an event that could not be delivered for this long is dropped",
    ),
    setting(
        "webhook.concurrency",
        "requests under way at once per receiver",
    ),
    setting("limits.connections", "TCP connections on the HTTP port"),
    setting("limits.signal_bytes", "size of one signalling message"),
    setting("limits.api_bytes", "size of one API request"),
    setting(
        "limits.outbox_messages",
        "messages waiting for a client that does not read, before it is closed",
    ),
    setting(
        "guarantee.enabled",
        "measure, and keep the evidence log in the data directory",
    ),
    setting(
        "guarantee.region",
        "region of this server in the log and in contracts: a-z, 0-9 and -",
    ),
    setting(
        "guarantee.modules",
        "what gets a rollup every minute; join, signalling and media are measured",
    ),
    setting(
        "guarantee.origin",
        "name of the log, a URL without scheme: live.example.com/log; empty: the host's name and /log. \
         A log keeps the name that it began with",
    ),
    setting(
        "guarantee.witnesses",
        "public keys of witnesses whose signatures under checkpoints are kept",
    ),
    setting(
        "guarantee.probes",
        "public keys of probes whose reports are taken, as `surecast probe key` prints them",
    ),
    setting(
        "guarantee.contracts",
        "contracts to watch, *.contract.yaml; a version that is new goes into the log",
    ),
    setting(
        "guarantee.url",
        "where people reach this server, for links in what is sent to them; empty: http.listen",
    ),
    setting(
        "guarantee.settle_after",
        "a period is settled this long after its end, and again this long after something late came in",
    ),
    setting(
        "guarantee.final_after",
        "a settlement that nobody disputed is made final after this",
    ),
    setting(
        "guarantee.mail.smtp",
        "mail server: smtp://USER:PASSWORD@HOST:PORT (plain, or with ?tls=required STARTTLS), smtps://…; \
         empty: no mail is sent",
    ),
    setting("guarantee.mail.from", "sender of mails: Name <address>"),
    setting(
        "guarantee.mail.reply_to",
        "where answers go, the mailbox that is handed to /guarantee/v1/inbound/mail; empty: the sender",
    ),
    setting(
        "guarantee.mail.ca",
        "PEM file of authorities that the mail server's certificate may come from, beside those \
         that this machine trusts; empty: none",
    ),
    setting(
        "guarantee.alerts.webhooks",
        "receivers of every change of an incident, signed as room events are",
    ),
    setting(
        "guarantee.alerts.alertmanager",
        "Alertmanagers, http://HOST:9093",
    ),
    setting(
        "guarantee.alerts.pagerduty_key",
        "routing key of a PagerDuty service (Events API v2); empty: none",
    ),
    setting(
        "guarantee.alerts.pagerduty_url",
        "where its events go; services that speak the same have another one",
    ),
    setting(
        "guarantee.phone.hook",
        "gets whom to call and what to say, as signed JSON; empty: nobody is called",
    ),
    setting(
        "log.level",
        "error, warn, info, debug, trace, or target=level pairs",
    ),
    setting("log.format", "text or json"),
];

impl Config {
    /// What holds when nothing is said.
    pub fn defaults(dev: bool) -> Self {
        let mut config = Self {
            dev,
            ..Self::default()
        };
        if dev {
            config.http.listen.set_ip(Ipv4Addr::LOCALHOST.into());
            config.rtmp.listen.set_ip(Ipv4Addr::LOCALHOST.into());
            config.srt.listen.set_ip(Ipv4Addr::LOCALHOST.into());
            config.keys.insert(DEV_KEY.0.into(), DEV_KEY.1.into());
        } else {
            config.data_dir = "surecast-data".into();
        }
        config
    }

    /// The key that signs where none is named: the only one there is, or the
    /// one of `--dev`, which is there beside any others.
    pub fn default_key(&self) -> Option<(&String, &String)> {
        if self.keys.len() == 1 {
            return self.keys.first_key_value();
        }
        self.keys.get_key_value(DEV_KEY.0).filter(|_| self.dev)
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 7880),
            cors: true,
        }
    }
}

impl Default for Rtc {
    fn default() -> Self {
        Self {
            listen: None,
            udp_port: 7882,
            tcp: true,
            tcp_port: 7881,
            shards: 0,
            advertise: Vec::new(),
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout: Span(Duration::from_secs(300)),
            departure_timeout: Span(Duration::from_secs(20)),
            max_participants: 0,
        }
    }
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            takeover: true,
            open_play: false,
            on_publish: String::new(),
            on_play: String::new(),
            ffmpeg: "ffmpeg".into(),
            encoder: "libx264".into(),
            transcode_for_webrtc: false,
            pull_private: false,
            pull_files: PathBuf::new(),
            max_viewers: 0,
            max_viewers_per_address: 0,
            // Encoders try again after some seconds, and some more often than once.
            linger: Span(Duration::from_secs(20)),
        }
    }
}

impl Default for Rtmp {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 1935),
            tls_listen: None,
            // Two cores serve some thousands of players at 600 kbps.
            max_connections: 10_000,
        }
    }
}

impl Default for Srt {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 8890),
            passphrase: String::new(),
            // What libsrt and the draft take: enough for three round trips of
            // 40 ms.
            latency: Span(Duration::from_millis(120)),
        }
    }
}

impl Default for Hls {
    fn default() -> Self {
        Self {
            part: Span(Duration::from_millis(200)),
            segment: Span(Duration::from_secs(2)),
            window: Span(Duration::from_secs(30)),
            // The window, twice, at 17 Mbps: segments stay for who is late.
            memory_mib: 128,
            // A viewer whose network is away for a while finds everything again.
            idle: Span(Duration::from_secs(30)),
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            dir: PathBuf::new(),
            fragment: Span(Duration::from_secs(1)),
            // What a machine's death may cost; a disk is not busy with so few.
            sync: Span(Duration::from_secs(5)),
            faststart: true,
        }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            api_key: String::new(),
            timeout: Span(Duration::from_secs(10)),
            max_age: Span(Duration::from_secs(24 * 3600)),
            concurrency: 8,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Twice as many as one machine is expected to serve participants.
            connections: 20_000,
            // What LiveKit allows; the largest honest message is an offer with
            // some hundred sections, about 300 KiB.
            signal_bytes: 2 << 20,
            // Room metadata and data packets are far below; a bigger body is a mistake.
            api_bytes: 1 << 20,
            // A join into a room of 1,000 is one message; this is 20 s of
            // updates at 50 a second for a client whose network stalls.
            outbox_messages: 1024,
        }
    }
}

impl Default for Guarantee {
    fn default() -> Self {
        Self {
            enabled: true,
            region: "local".into(),
            // What the server has taps for.
            modules: ["join", "signalling", "media"].map(Into::into).to_vec(),
            origin: String::new(),
            witnesses: Vec::new(),
            probes: Vec::new(),
            contracts: Vec::new(),
            url: String::new(),
            mail: Mail::default(),
            alerts: Alerts::default(),
            phone: Phone::default(),
            // Receipts and probes of the last minutes are late by minutes.
            settle_after: Span(Duration::from_secs(15 * 60)),
            final_after: Span(Duration::from_secs(14 * 86_400)),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// An address, or the empty string for "not said".
pub(super) mod optional {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => out.collect_str(value),
            None => out.serialize_str(""),
        }
    }

    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<T>, D::Error> {
        let text = String::deserialize(input)?;
        if text.is_empty() {
            return Ok(None);
        }
        let socket = std::any::type_name::<T>().ends_with("SocketAddr");
        let what = if socket {
            "IP address with a port"
        } else {
            "IP address"
        };
        text.parse()
            .map(Some)
            .map_err(|_| D::Error::custom(format!("`{text}` is not an {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The list and the structs must name the same keys, or a key would be
    /// accepted that nobody can find, or documented and refused.
    #[test]
    fn the_list_names_every_field_and_no_other() {
        let table = toml::Table::try_from(Config::defaults(false)).unwrap();
        let mut fields = BTreeSet::new();
        add_fields("", &table, &mut fields);
        let listed: BTreeSet<String> = SETTINGS
            .iter()
            .map(|setting| setting.key.to_owned())
            .collect();
        assert_eq!(fields, listed);
    }

    fn add_fields(prefix: &str, table: &toml::Table, fields: &mut BTreeSet<String>) {
        for (name, value) in table {
            match value {
                toml::Value::Table(section) if name != "keys" => {
                    add_fields(&format!("{prefix}{name}."), section, fields);
                }
                _ => {
                    fields.insert(format!("{prefix}{name}"));
                }
            }
        }
    }
}
