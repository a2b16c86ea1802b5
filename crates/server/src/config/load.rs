//! Puts the sources together and says precisely what is wrong with them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use surecast_guarantee::evidence::key::check_name;
use surecast_guarantee::evidence::{Algorithm, VerifyingKey};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::Source;
use toml::de::DeTable;
use toml::{Table, Value};

use super::{Config, delivery, env, unknown};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--dev`.
    pub dev: bool,
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The process environment; anything that is not ours is passed over.
    pub env: Vec<(String, String)>,
    /// `--http`.
    pub http: Option<SocketAddr>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--port-offset`: added to every port that is not 0.
    pub port_offset: u16,
}

/// What is wrong with the configuration, with its place and a way out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Reads, merges, checks.
///
/// # Errors
/// The first thing that is wrong: an unreadable file, an unknown key, a value
/// of the wrong type or out of its range.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let text = match &sources.file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            ConfigError(format!(
                "cannot read the config file {}: {error}",
                path.display()
            ))
        })?,
        None => String::new(),
    };
    let place = Place::new(sources, &text)?;
    let mut table = Table::try_from(Config::defaults(sources.dev))
        .map_err(|error| ConfigError(format!("built-in defaults: {error}")))?;
    merge(&mut table, place.file_table()?);
    apply_env(&mut table, &place.overrides)?;
    let mut config: Config =
        Config::deserialize(table).map_err(|error| ConfigError(error.message().to_owned()))?;
    config.dev = sources.dev;
    apply_command_line(&mut config, sources)?;
    check(&config).map_err(|(key, problem)| place.error(key, &problem))?;
    Ok(config)
}

/// Knows which source a key came from.
struct Place<'s> {
    file: Option<&'s Path>,
    text: &'s str,
    document: DeTable<'s>,
    overrides: Vec<env::Override>,
}

impl<'s> Place<'s> {
    fn new(sources: &'s Sources, text: &'s str) -> Result<Self, ConfigError> {
        let file = sources.file.as_deref();
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            ConfigError(format!("{}: {}", locate(file, text, at), error.message()))
        })?;
        let document = document.into_inner();
        if let Some((key, at)) = unknown::first_unknown(&document) {
            let place = locate(file, text, at);
            return Err(ConfigError(format!(
                "unknown key `{key}` at {place}, {}",
                unknown::suggestion(&key)
            )));
        }
        let overrides = env::overrides(&sources.env).map_err(|(variable, key)| {
            ConfigError(format!(
                "unknown key `{key}` in environment variable {variable}, {}",
                unknown::suggestion(&key)
            ))
        })?;
        Ok(Self {
            file,
            text,
            document,
            overrides,
        })
    }

    /// The file by itself, so that an error of type has its line.
    fn file_table(&self) -> Result<Table, ConfigError> {
        toml::from_str::<Config>(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let key = unknown::key_at(&self.document, at)
                .map(|key| format!("`{key}`: "))
                .unwrap_or_default();
            let message = error.message().trim_end();
            ConfigError(format!(
                "{}: {key}{message}",
                locate(self.file, self.text, at)
            ))
        })?;
        toml::from_str(self.text).map_err(|error| ConfigError(error.to_string()))
    }

    /// An error about a key, with the source that set it.
    fn error(&self, key: &str, problem: &str) -> ConfigError {
        let place = match self.overrides.iter().find(|found| found.key == key) {
            Some(found) => format!(" (environment variable {})", found.variable),
            None => match unknown::offset_of(&self.document, key) {
                Some(at) => format!(" at {}", locate(self.file, self.text, at)),
                None => String::new(),
            },
        };
        ConfigError(format!("`{key}`{place}: {problem}"))
    }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Applies the variables one by one, so that the one that does not fit is named.
fn apply_env(table: &mut Table, overrides: &[env::Override]) -> Result<(), ConfigError> {
    for found in overrides {
        let value = env::value(env::lookup(table, &found.key), &found.text);
        env::insert(table, &found.key, value);
        Config::deserialize(table.clone()).map_err(|error| {
            let message = error.message().trim_end();
            ConfigError(format!(
                "environment variable {} (`{}`): {message}",
                found.variable, found.key
            ))
        })?;
    }
    Ok(())
}

fn apply_command_line(config: &mut Config, sources: &Sources) -> Result<(), ConfigError> {
    if let Some(listen) = sources.http {
        config.http.listen = listen;
    }
    if let Some(dir) = &sources.data_dir {
        config.data_dir.clone_from(dir);
    }
    if config.rtc.listen.is_none() {
        let all = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        config.rtc.listen = Some(if config.dev {
            config.http.listen.ip()
        } else {
            all
        });
    }
    let shift = |key: &str, port: u16| match port {
        0 => Ok(0),
        port => port.checked_add(sources.port_offset).ok_or_else(|| {
            ConfigError(format!(
                "--port-offset {} moves `{key}` beyond port 65535",
                sources.port_offset
            ))
        }),
    };
    config
        .http
        .listen
        .set_port(shift("http.listen", config.http.listen.port())?);
    config.rtc.udp_port = shift("rtc.udp_port", config.rtc.udp_port)?;
    config.rtc.tcp_port = shift("rtc.tcp_port", config.rtc.tcp_port)?;
    let rtmp = &mut config.rtmp;
    rtmp.listen
        .set_port(shift("rtmp.listen", rtmp.listen.port())?);
    if let Some(listen) = &mut rtmp.tls_listen {
        listen.set_port(shift("rtmp.tls_listen", listen.port())?);
    }
    let srt = &mut config.srt.listen;
    srt.set_port(shift("srt.listen", srt.port())?);
    Ok(())
}

/// What types cannot say. `Err(key, problem)`.
fn check(config: &Config) -> Result<(), (&'static str, String)> {
    check_keys(config)?;
    check_sockets(config)?;
    check_rtmp(config)?;
    check_hls(config)?;
    check_srt(config)?;
    check_webhook(config)?;
    check_guarantee(config)?;
    let limits = &config.limits;
    for (key, value) in [
        ("limits.connections", limits.connections),
        ("limits.signal_bytes", limits.signal_bytes),
        ("limits.api_bytes", limits.api_bytes),
        ("limits.outbox_messages", limits.outbox_messages),
    ] {
        if value == 0 {
            return Err((key, "must be at least 1".into()));
        }
    }
    if config.data_dir.as_os_str().is_empty() && !config.dev {
        return Err((
            "data_dir",
            "must not be empty: only --dev uses a temporary directory".into(),
        ));
    }
    tracing_subscriber::EnvFilter::try_new(&config.log.level)
        .map(drop)
        .map_err(|error| ("log.level", format!("`{}`: {error}", config.log.level)))
}

fn check_keys(config: &Config) -> Result<(), (&'static str, String)> {
    if config.keys.is_empty() {
        return Err(("keys", NO_KEYS.into()));
    }
    match config
        .keys
        .iter()
        .find(|(key, secret)| key.is_empty() || secret.is_empty())
    {
        Some((key, _)) => Err((
            "keys",
            format!("the API key `{key}` or its secret is empty"),
        )),
        None => Ok(()),
    }
}

const NO_KEYS: &str = "there is no API key, so nobody could join. Make a secret with `openssl rand -hex 32` and put \
     it into the config file:\n  [keys]\n  mykey = \"THE SECRET\"\nor into the environment: \
     SURECAST_KEYS__mykey=\"THE SECRET\". To try things out on this machine, `--dev` brings its own key.";

fn check_sockets(config: &Config) -> Result<(), (&'static str, String)> {
    if config.tls.enabled() && config.tls.key.as_os_str().is_empty() {
        return Err((
            "tls.cert",
            "`tls.key`, the certificate's private key, is missing".into(),
        ));
    }
    if !config.tls.enabled() && !config.tls.key.as_os_str().is_empty() {
        return Err(("tls.key", "`tls.cert`, the certificate, is missing".into()));
    }
    if let Some(ip) = config
        .rtc
        .advertise
        .iter()
        .find(|ip| ip.is_unspecified() || ip.is_multicast())
    {
        return Err((
            "rtc.advertise",
            format!("{ip} is no address that a client can reach"),
        ));
    }
    let last = u32::from(config.rtc.udp_port) + u32::from(config.rtc.shards.max(1)) - 1;
    if last > u32::from(u16::MAX) {
        let (first, shards) = (config.rtc.udp_port, config.rtc.shards);
        return Err((
            "rtc.udp_port",
            format!("{first} leaves no room for the ports of {shards} shards"),
        ));
    }
    Ok(())
}

fn check_rtmp(config: &Config) -> Result<(), (&'static str, String)> {
    if config.rtmp.tls_listen.is_some() && !config.tls.enabled() {
        let words = "needs a certificate: set `tls.cert` and `tls.key`";
        return Err(("rtmp.tls_listen", words.into()));
    }
    if config.rtmp.max_connections == 0 {
        return Err(("rtmp.max_connections", "must be at least 1".into()));
    }
    Ok(())
}

fn check_hls(config: &Config) -> Result<(), (&'static str, String)> {
    let millis = config.hls.part.0.as_millis();
    if !(20..=2000).contains(&millis) {
        return Err(("hls.part", "must be 20ms to 2s".into()));
    }
    let segment = config.hls.segment.0;
    if segment < 2 * config.hls.part.0 || segment.as_secs() > 60 {
        let words = "must be at least two parts long, and at most 60s";
        return Err(("hls.segment", words.into()));
    }
    if config.hls.memory_mib == 0 {
        return Err(("hls.memory_mib", "must be at least 1".into()));
    }
    Ok(())
}

fn check_srt(config: &Config) -> Result<(), (&'static str, String)> {
    let bytes = config.srt.passphrase.len();
    if bytes != 0 && !(10..=79).contains(&bytes) {
        return Err((
            "srt.passphrase",
            format!("has {bytes} bytes; SRT takes 10 to 79"),
        ));
    }
    // Sixteen bits of milliseconds; a viewer waits that long for each stream.
    if config.srt.latency.0.as_millis() > 30_000 {
        return Err(("srt.latency", "must not be longer than 30s".into()));
    }
    Ok(())
}

fn check_webhook(config: &Config) -> Result<(), (&'static str, String)> {
    let hook = &config.webhook;
    if let Some(url) = hook.urls.iter().find(|url| !is_http_url(url)) {
        return Err((
            "webhook.urls",
            format!("`{url}` is not an http:// or https:// URL"),
        ));
    }
    let repeated = |(at, url)| hook.urls.iter().take(at).any(|other| other == url);
    if hook.urls.iter().enumerate().any(repeated) {
        return Err(("webhook.urls", "a receiver is listed twice".into()));
    }
    if hook.api_key.is_empty() && hook.urls.is_empty() {
        return Ok(());
    }
    if hook.api_key.is_empty() && config.default_key().is_none() {
        return Err((
            "webhook.urls",
            "set `webhook.api_key`: there are several keys that could sign".into(),
        ));
    }
    if !hook.api_key.is_empty() && !config.keys.contains_key(&hook.api_key) {
        return Err((
            "webhook.api_key",
            format!("`{}` is not among `keys`", hook.api_key),
        ));
    }
    if hook.concurrency == 0 || hook.timeout.0.is_zero() {
        return Err((
            "webhook.concurrency",
            "`concurrency` and `timeout` must be at least 1".into(),
        ));
    }
    Ok(())
}

/// Contracts are read when the server starts: printing settings needs no files.
fn check_guarantee(config: &Config) -> Result<(), (&'static str, String)> {
    let guarantee = &config.guarantee;
    let region = guarantee.region.parse::<Region>();
    region.map_err(|why| ("guarantee.region", why))?;
    let mut seen = BTreeSet::new();
    for name in &guarantee.modules {
        let module = name.parse::<Module>();
        let module = module.map_err(|why| ("guarantee.modules", why))?;
        if !matches!(module, Module::Join | Module::Signalling | Module::Media) {
            let why = format!("`{name}` is not measured yet; join, signalling and media are");
            return Err(("guarantee.modules", why));
        }
        if !seen.insert(module) {
            return Err(("guarantee.modules", format!("`{name}` is listed twice")));
        }
    }
    if guarantee.enabled && guarantee.modules.is_empty() {
        let why = "lists nothing; to measure nothing set `guarantee.enabled` to false";
        return Err(("guarantee.modules", why.into()));
    }
    if !guarantee.origin.is_empty() {
        check_name(&guarantee.origin).map_err(|why| ("guarantee.origin", why.to_string()))?;
    }
    for key in &guarantee.witnesses {
        let parsed = key.parse::<VerifyingKey>();
        parsed.map_err(|why| ("guarantee.witnesses", format!("`{key}`: {why}")))?;
    }
    check_probes(&guarantee.probes).map_err(|why| ("guarantee.probes", why))?;
    delivery::check(config)
}

/// A vantage has one key, and its name stands in the lines of the log.
fn check_probes(keys: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for text in keys {
        let parsed = text.parse::<VerifyingKey>();
        let key = parsed.map_err(|why| format!("`{text}`: {why}"))?;
        let name = key.name().to_owned();
        if key.algorithm() != Algorithm::Ed25519 || !Source::Probe(name.clone()).is_valid() {
            return Err(format!(
                "`{text}` is not a probe's key: make one with `surecast probe key`"
            ));
        }
        if !seen.insert(name) {
            return Err(format!("the vantage `{}` is listed twice", key.name()));
        }
    }
    Ok(())
}

pub(super) fn is_http_url(url: &str) -> bool {
    let parsed: Result<hyper::Uri, _> = url.parse();
    parsed
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

/// `surecast.toml:3`.
fn locate(file: Option<&Path>, text: &str, offset: usize) -> String {
    let line = text
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    match file {
        Some(file) => format!("{}:{line}", file.display()),
        None => format!("line {line}"),
    }
}
