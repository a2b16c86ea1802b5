use std::time::Duration;

use clap::{Args, ValueEnum};
use str0m::config::DtlsVersion;
use surecast_sim::client::Publish;
use surecast_sim::report::Plan;
use surecast_sim::source::Encoding;

/// What to do to which server.
///
/// Each client is a whole WebRTC client with a connection of its own. The media
/// have the shape of VP8 and Opus, and carry the time of their sending: nothing
/// is encoded or decoded. Publishers join first and receive nothing;
/// subscribers receive all of their room.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The server, ws://, wss://, http:// or https://.
    #[arg(long, default_value = "ws://127.0.0.1:7880")]
    pub url: String,
    /// API key for the clients' tokens.
    #[arg(long, env = "LIVEKIT_API_KEY", default_value = "devkey")]
    pub api_key: String,
    /// Its secret.
    #[arg(
        long,
        env = "LIVEKIT_API_SECRET",
        default_value = "secret",
        hide_env_values = true
    )]
    pub api_secret: String,
    /// Rooms.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub rooms: usize,
    /// Publishers in each room.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub publishers: usize,
    /// Subscribers in each room.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub subscribers: usize,
    /// How long to go on after the last join: 30s, 5m, 1h.
    #[arg(long, default_value = "30s", value_parser = parse_duration, value_name = "TIME")]
    pub duration: Duration,
    /// Joins per second: 20/s, 0.5/s, 90/m.
    #[arg(long, default_value = "20/s", value_parser = parse_rate, value_name = "RATE")]
    pub join_rate: f64,
    /// What each publisher sends as video.
    #[arg(long, value_enum, default_value_t = Video::Hd)]
    pub video: Video,
    /// Each publisher also sends audio: 64 kbps, 50 packets per second.
    #[arg(long)]
    pub audio: bool,
    /// DTLS version that the clients offer.
    #[arg(long, value_enum, default_value_t = Dtls::Auto)]
    pub dtls: Dtls,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Decides frame sizes and who talks when.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Threads that carry media [default: half of the cores].
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Rooms are called NAME-1, NAME-2 … [default: a name of its own each run].
    #[arg(long, value_name = "NAME")]
    pub room_prefix: Option<String>,
}

/// What a publisher sends as video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Video {
    /// One encoding of 1280 x 720, 30 frames per second, 1.5 Mbps.
    #[value(name = "720p")]
    Hd,
    /// Three encodings: 180p at 150 kbps, 360p at 500 kbps, 720p at 1.5 Mbps.
    Simulcast,
    /// None.
    None,
}

/// DTLS version that the clients offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtls {
    /// Both, as browsers do.
    Auto,
    /// 1.2 only.
    #[value(name = "1.2")]
    V12,
    /// 1.3 only.
    #[value(name = "1.3")]
    V13,
}

impl Dtls {
    pub(super) const fn version(self) -> DtlsVersion {
        match self {
            Self::Auto => DtlsVersion::Auto,
            Self::V12 => DtlsVersion::Dtls12,
            Self::V13 => DtlsVersion::Dtls13,
        }
    }
}

impl LoadArgs {
    /// What is wrong with the call as a whole.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.rooms == 0 || self.publishers + self.subscribers == 0 {
            return Err(
                "no clients: --rooms and one of --publishers and --subscribers must be at least 1"
                    .into(),
            );
        }
        if self.publishers > 0 && self.publish().is_empty() {
            return Err("nothing to publish: give --audio, or another --video than none".into());
        }
        Ok(())
    }

    /// Threads that carry media.
    pub(super) fn workers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or(cores / 2).max(1)
    }

    /// What each publisher publishes.
    pub(super) fn publish(&self) -> Vec<Publish> {
        let video = match self.video {
            Video::Hd => Some(Publish::Video(Encoding::HD.to_vec())),
            Video::Simulcast => Some(Publish::Video(Encoding::SIMULCAST.to_vec())),
            Video::None => None,
        };
        let audio = self.audio.then_some(Publish::Audio);
        audio.into_iter().chain(video).collect()
    }

    /// For the report.
    pub(super) fn plan(&self) -> Plan {
        let video = self.video.to_possible_value();
        Plan {
            rooms: self.rooms,
            publishers: self.publishers,
            subscribers: self.subscribers,
            video: video.map_or_else(String::new, |v| v.get_name().to_owned()),
            audio: self.audio,
            duration_s: self.duration.as_secs_f64(),
            join_rate: self.join_rate,
            seed: self.seed,
        }
    }
}

/// `1500ms`, `30s`, `2.5m`, `1h`; without a unit seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let unit = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit {unit:?}: use ms, s, m or h")),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("{number:?} is no number"))?;
    Duration::try_from_secs_f64(number * unit).map_err(|e| e.to_string())
}

/// `20/s`, `90/m`; without a unit per second.
fn parse_rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let per_second = match unit.trim() {
        "s" | "sec" => 1.0,
        "m" | "min" => 1.0 / 60.0,
        _ => return Err(format!("unknown unit {unit:?}: use /s or /m")),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("{number:?} is no number"))?;
    let rate = number * per_second;
    if rate.is_finite() && (0.001..=100_000.0).contains(&rate) {
        return Ok(rate);
    }
    Err("must be between 0.001/s and 100000/s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("2.5m"), Ok(Duration::from_secs(150)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        for wrong in ["", "s", "-1s", "1 fortnight", "inf"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(parse_rate("20/s"), Ok(20.0));
        assert_eq!(parse_rate("90/m"), Ok(1.5));
        assert_eq!(parse_rate("3"), Ok(3.0));
        for wrong in ["", "0", "-1/s", "1/h", "NaN"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
