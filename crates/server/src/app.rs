//! Assembles the server and takes it apart again.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context as _;
use surecast_room::Settings;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::auth::Keys;
use crate::broadcast::Broadcast;
use crate::broadcast::ingress::Ingresses;
use crate::broadcast::pull::Pulls;
use crate::broadcast::record::Recorder;
use crate::broadcast::tags::TagFeeds;
use crate::cli::Failure;
use crate::config::{Config, DEV_KEY};
use crate::control::{self, Control};
use crate::data_dir::DataDir;
use crate::doors::{self, Doors, RtmpDoor, SrtDoor};
use crate::faults::Faults;
use crate::guarantee::{self, Guarantee};
use crate::http;
use crate::media_plane::{MediaPlane, MediaPlaneConfig};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::tls::Certificates;
use crate::webhook::Webhooks;

/// Media events waiting for the control actor, all shards together. At the
/// usual rate (a few a second per peer) this is seconds of 1,000 peers.
const MEDIA_EVENTS: usize = 16_384;

/// Said when the media plane cannot start; the port itself follows.
const MEDIA_PORTS: &str = "cannot open the media ports (`rtc.udp_port`, `rtc.tcp_port`; \
                           --port-offset moves all ports)";

/// A secret shorter than this can be found out by trying.
const SECRET_LENGTH: usize = 32;

/// Parts of the 5 s in which the server has to be gone.
mod patience {
    use super::Duration;

    /// Clients take their leave and close.
    pub const CLIENTS: Duration = Duration::from_millis(1500);
    /// Webhooks about that go out; what does not is in the store.
    pub const WEBHOOKS: Duration = Duration::from_millis(1000);
    /// Shard threads end.
    pub const MEDIA: Duration = Duration::from_millis(1000);
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// `Call` for a certificate that cannot be used; `Work` for a port that is
/// taken, a store that cannot be opened, or a part that died.
pub async fn serve(config: Config) -> Result<(), Failure> {
    // Before the ready line: whoever reads it may stop the server at once.
    let mut signals = Signals::new()?;
    let server = Server::start(config).await?;
    server.announce()?;
    let died = server.run(&mut signals).await;
    tokio::select! {
        () = server.stop() => {}
        () = signals.next() => {
            tracing::warn!("second signal: ending at once");
            return Err(Failure::Work(anyhow::anyhow!("stopped at once by a second signal")));
        }
    }
    died.map_err(Failure::Work)
}

struct Server {
    config: Arc<Config>,
    address: SocketAddr,
    doors: Arc<Doors>,
    srt: Option<SrtDoor>,
    rtmp: Option<RtmpDoor>,
    control: Control,
    actor: JoinHandle<Arc<MediaPlane>>,
    http: JoinHandle<()>,
    stop_http: watch::Sender<bool>,
    webhooks: Webhooks,
    store: Store,
    guarantee: Option<Guarantee>,
    // Last: the store is in it.
    _data_dir: DataDir,
}

impl Server {
    async fn start(config: Config) -> Result<Self, Failure> {
        warn_about_keys(&config);
        let config = Arc::new(config);
        let tls = load_certificates(&config)?;
        let data_dir = DataDir::open(&config.data_dir)?;
        let listener = listen(config.http.listen).await?;
        let address = listener.local_addr().context("cannot read the HTTP port")?;
        let metrics = Arc::new(Metrics::new());
        let keys = Keys::new(config.keys.clone());
        let store = Store::open(data_dir.path(), &config.store.url).await?;
        let webhooks =
            Webhooks::start(&config, keys.clone(), store.clone(), metrics.clone()).await?;
        let guarantee =
            Guarantee::start(&config, data_dir.path(), &metrics, &keys, store.clone()).await?;
        let (guarantee, tap) = guarantee.unzip();
        let faults = config
            .dev
            .then(|| Arc::new(Faults::new(crate::clock::now().at)));
        let core = start_core(&config, &keys, &webhooks, &metrics, tap, faults.clone());
        let (control, actor, media) = core.await?;
        if let Some(guarantee) = &guarantee {
            guarantee.look_at(control.clone(), media.clone());
        }
        let shared = guarantee
            .as_ref()
            .map(|guarantee| guarantee.shared().clone());
        let people = guarantee
            .as_ref()
            .map(|guarantee| (guarantee.desk().clone(), guarantee.settler().clone()));
        let ingresses = Ingresses::load(store.clone()).await?;
        let broadcast = Broadcast::new(
            &config,
            keys.clone(),
            control.clone(),
            media.clone(),
            ingresses,
        )?;
        let mut doors = doors_of(
            &config,
            keys,
            (&control, broadcast),
            metrics,
            media,
            shared,
            faults,
        );
        doors.people = people;
        let recordings = data_dir.path().join("recordings");
        doors.recorder = Some(Recorder::new(
            doors.broadcast.clone(),
            (&config.record, &config.broadcast.ffmpeg),
            recordings,
        ));
        let doors = Arc::new(doors);
        doors.pulls.start_ingresses();
        let srt = config.srt.enabled.then(|| SrtDoor::open(&doors));
        let srt = srt.transpose()?;
        let rtmp = match config.rtmp.enabled {
            true => Some(RtmpDoor::open(&doors, tls.clone()).await?),
            false => None,
        };
        let (stop_http, stopped) = watch::channel(false);
        let places = config.limits.connections as usize;
        let http = tokio::spawn(http::serve(
            listener,
            doors::router(&doors),
            tls,
            places,
            stopped,
        ));
        Ok(Self {
            config,
            address,
            doors,
            srt,
            rtmp,
            control,
            actor,
            http,
            stop_http,
            webhooks,
            store,
            guarantee,
            _data_dir: data_dir,
        })
    }

    /// The ready line, on standard output. A server that listens on all
    /// addresses names the one at which a browser on this machine finds it.
    fn announce(&self) -> Result<(), Failure> {
        let scheme = if self.config.tls.enabled() {
            "https"
        } else {
            "http"
        };
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let ipv4 = IpAddr::from([127, 0, 0, 1]);
            address.set_ip(ipv4);
        }
        crate::cli::print(&format!("surecast ready on {scheme}://{address}\n"))
    }

    /// Until a signal, or until a part dies that the server cannot be without.
    async fn run(&self, signals: &mut Signals) -> anyhow::Result<()> {
        // The control actor's queue closes when it dies of a bug.
        tokio::select! {
            () = signals.next() => Ok(()),
            () = self.control.gone() => Err(anyhow::anyhow!("the room engine has ended unexpectedly")),
        }
    }

    /// Leaves, then everything down, in the order in which the parts use one another.
    async fn stop(self) {
        tracing::info!("stopping");
        self.doors.ready.store(false, Ordering::Relaxed);
        self.control.close_all().await;
        if let Some(srt) = self.srt {
            srt.stop().await;
        }
        if let Some(rtmp) = self.rtmp {
            rtmp.stop().await;
        }
        let mut open = self.doors.connections.subscribe();
        if tokio::time::timeout(patience::CLIENTS, open.wait_for(|open| *open == 0))
            .await
            .is_err()
        {
            tracing::warn!(
                connections = *open.borrow(),
                "clients did not close in time"
            );
        }
        self.stop_http.send_replace(true);
        if let Err(error) = self.http.await {
            tracing::error!(%error, "the HTTP port ended badly");
        }
        self.webhooks.stop(patience::WEBHOOKS).await;
        match self.actor.await.map(Arc::into_inner) {
            Ok(Some(media)) => {
                if tokio::time::timeout(patience::MEDIA, media.stop())
                    .await
                    .is_err()
                {
                    tracing::warn!("media threads did not end in time");
                }
            }
            Ok(None) => tracing::debug!("media plane still in use"),
            Err(error) => tracing::error!(%error, "the room engine ended badly"),
        }
        if let Some(guarantee) = self.guarantee {
            guarantee.stop().await;
        }
        self.store.close().await;
        tracing::info!("stopped");
    }
}

/// The media plane and the actor that owns it; the media plane once more for
/// its counters.
async fn start_core(
    config: &Config,
    keys: &Keys,
    webhooks: &Webhooks,
    metrics: &Arc<Metrics>,
    guarantee: Option<guarantee::Tap>,
    faults: Option<Arc<Faults>>,
) -> anyhow::Result<(Control, JoinHandle<Arc<MediaPlane>>, Weak<MediaPlane>)> {
    let (events, media_events) = mpsc::channel(MEDIA_EVENTS);
    let media = MediaPlaneConfig {
        faults: faults.clone(),
        ..media_config(config)
    };
    let media = MediaPlane::start(media, events).await;
    let media = Arc::new(media.context(MEDIA_PORTS)?);
    let counters = Arc::downgrade(&media);
    let (control, actor) = Control::start(control::Parts {
        settings: room_settings(config),
        keys: keys.clone(),
        outbox_messages: config.limits.outbox_messages as usize,
        media,
        media_events,
        on_event: webhooks.sink(),
        metrics: metrics.clone(),
        guarantee,
        faults,
    });
    Ok((control, actor, counters))
}

/// SIGTERM and SIGINT.
struct Signals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

fn doors_of(
    config: &Arc<Config>,
    keys: Keys,
    (control, broadcast): (&Control, Broadcast),
    metrics: Arc<Metrics>,
    media: Weak<MediaPlane>,
    guarantee: Option<Arc<guarantee::Shared>>,
    faults: Option<Arc<Faults>>,
) -> Doors {
    Doors {
        config: config.clone(),
        keys,
        control: control.clone(),
        pulls: Pulls::new(broadcast.clone(), &config.broadcast),
        broadcast,
        tags: TagFeeds::default(),
        metrics,
        media,
        guarantee,
        people: None,
        recorder: None,
        faults,
        ready: AtomicBool::new(true),
        connections: watch::Sender::new(0),
        wish: doors::wish::Sessions::default(),
    }
}

/// A certificate that cannot be used is a mistake in the configuration.
fn load_certificates(config: &Config) -> Result<Option<Arc<Certificates>>, Failure> {
    if !config.tls.enabled() {
        return Ok(None);
    }
    let certificates =
        Certificates::load(&config.tls).map_err(|error| Failure::Call(format!("{error:#}")))?;
    let certificates = Arc::new(certificates);
    tokio::spawn(certificates.clone().watch());
    Ok(Some(certificates))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address} (http.listen): if something else uses the port, choose another with --http \
             or move all ports with --port-offset"
        )
    })
}

fn room_settings(config: &Config) -> Settings {
    Settings {
        auto_create: config.room.auto_create,
        empty_timeout: config.room.empty_timeout.0,
        departure_timeout: config.room.departure_timeout.0,
        max_participants: config.room.max_participants,
        ..Settings::default()
    }
}

fn media_config(config: &Config) -> MediaPlaneConfig {
    let rtc = &config.rtc;
    let ip = rtc.listen.unwrap_or(config.http.listen.ip());
    let cores = std::thread::available_parallelism()
        .map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX));
    let shards = if rtc.shards == 0 { cores } else { rtc.shards };
    let port = |shard: u16| {
        if rtc.udp_port == 0 {
            0
        } else {
            rtc.udp_port.saturating_add(shard)
        }
    };
    MediaPlaneConfig {
        udp_listen: (0..shards)
            .map(|shard| SocketAddr::new(ip, port(shard)))
            .collect(),
        advertise: advertised(config, ip),
        ice_tcp: rtc.tcp.then(|| SocketAddr::new(ip, rtc.tcp_port)),
        faults: None,
    }
}

/// What clients are told. On this machine the loopback address as well: a
/// browser next to the server must not depend on the network being up.
fn advertised(config: &Config, listen: IpAddr) -> Vec<IpAddr> {
    if !config.rtc.advertise.is_empty() {
        return config.rtc.advertise.clone();
    }
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let loopback = IpAddr::from([127, 0, 0, 1]);
    match primary_address() {
        Some(ip) if config.dev => vec![ip, loopback],
        Some(ip) => vec![ip],
        None => {
            tracing::warn!(
                "no network address found: clients on other machines need `rtc.advertise`"
            );
            vec![loopback]
        }
    }
}

/// The address from which this machine reaches the outside. Connecting a UDP
/// socket sends nothing; it only asks the routing table. 192.0.2.1 is reserved
/// for documentation (RFC 5737).
fn primary_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

fn warn_about_keys(config: &Config) {
    if config.dev {
        if !config.http.listen.ip().is_loopback() {
            tracing::warn!(
                "--dev on an address that others can reach: everybody knows its key and secret"
            );
        }
        return;
    }
    for (key, secret) in &config.keys {
        if (key.as_str(), secret.as_str()) == DEV_KEY {
            tracing::warn!(
                key,
                "this is the key of --dev, which everybody knows: make another"
            );
        } else if secret.len() < SECRET_LENGTH {
            tracing::warn!(
                key,
                "its secret has fewer than {SECRET_LENGTH} characters: make one with `openssl rand -hex 32`"
            );
        }
    }
}
