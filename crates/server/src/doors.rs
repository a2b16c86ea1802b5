//! The doors: one file per protocol that somebody can come in by.

mod broadcast;
mod console;
mod cors;
mod faults;
mod flv;
mod guarantee;
mod health;
mod hls;
pub mod log;
mod metrics;
mod recordings;
mod rtmp;
mod signal;
mod srt;
mod twirp;
mod whep;
mod whip;
pub mod wish;

pub use rtmp::RtmpDoor;
pub use srt::SrtDoor;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, any, delete, get, post};
use tokio::sync::watch;

use crate::auth::Keys;
use crate::broadcast::Broadcast;
use crate::broadcast::pull::Pulls;
use crate::broadcast::tags::TagFeeds;
use crate::config::Config;
use crate::control::Control;
use crate::guarantee::{Desk, Settler};
use crate::media_plane::MediaPlane;
use crate::metrics::Metrics;

/// What every door needs.
pub struct Doors {
    /// The settings in force.
    pub config: Arc<Config>,
    /// To check tokens.
    pub keys: Keys,
    /// The room engine.
    pub control: Control,
    /// Encoders and players that are not WebRTC.
    pub broadcast: Broadcast,
    /// Streams that the server fetches.
    pub pulls: Pulls,
    /// Recordings; there once the server knows its folder.
    pub recorder: Option<crate::broadcast::record::Recorder>,
    /// Rooms as FLV tags, for RTMP and FLV.
    pub tags: TagFeeds,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// For its counters only; whoever owns it stops it.
    pub media: Weak<MediaPlane>,
    /// What is measured; `None` where that is turned off.
    pub guarantee: Option<Arc<crate::guarantee::Shared>>,
    /// Incidents, tickets and settlements; where something is measured.
    pub people: Option<(Desk, Settler)>,
    /// Faults on purpose, with `--dev` only.
    pub faults: Option<Arc<crate::faults::Faults>>,
    /// Whether new clients are welcome.
    pub ready: AtomicBool,
    /// Signalling connections that are open, WHIP and WHEP sessions too.
    pub connections: watch::Sender<usize>,
    /// Encoders and viewers that came by WHIP and WHEP.
    pub wish: wish::Sessions,
}

impl Doors {
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// Whoever sends more than a report can have is not read to the end.
fn probes() -> MethodRouter<Arc<Doors>> {
    let most = DefaultBodyLimit::max(surecast_guarantee::report::probe::MAX_BYTES);
    post(guarantee::probes::take).layer(most)
}

fn receipts() -> MethodRouter<Arc<Doors>> {
    let most = DefaultBodyLimit::max(guarantee::receipts::MAX_BODY);
    post(guarantee::receipts::take).layer(most)
}

/// All doors on the HTTP port.
pub fn router(doors: &Arc<Doors>) -> Router {
    let cors = doors.config.http.cors;
    let router = Router::new()
        .route("/rtc", any(signal::v0))
        .route("/rtc/v1", any(signal::v1))
        .route("/rtc/validate", get(signal::validate_v0))
        .route("/rtc/v1/validate", get(signal::validate_v1))
        .merge(whip::routes())
        .merge(whep::routes())
        .route("/flv/{file}", get(flv::watch))
        .route("/twirp/{service}/{method}", any(twirp::call))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::scrape))
        .route("/console/config.json", get(console::config))
        .route("/broadcast/v1/streams", get(broadcast::streams))
        .route("/broadcast/v1/streams/{room}", get(broadcast::stream))
        .route(
            "/broadcast/v1/streams/{room}/thumbnail.jpg",
            get(broadcast::thumbnail),
        )
        .route(
            "/broadcast/v1/pulls",
            get(broadcast::pulls::list).post(broadcast::pulls::create),
        )
        .route("/broadcast/v1/pulls/{id}", delete(broadcast::pulls::delete))
        .route(
            "/broadcast/v1/recordings",
            get(recordings::list).post(recordings::begin),
        )
        .route(
            "/broadcast/v1/recordings/{id}",
            get(recordings::see).delete(recordings::end),
        )
        .route("/guarantee/v1/status", get(guarantee::status))
        .route("/guarantee/v1/faults", post(faults::make))
        .route("/guarantee/v1/probes", probes())
        .route("/guarantee/v1/receipts", receipts())
        .route("/status", get(guarantee::page))
        .fallback(console::asset)
        .with_state(doors.clone())
        .merge(hls::router(doors));
    let mut router = match &doors.guarantee {
        Some(shared) => router.merge(log::routes(shared.log.clone())),
        None => router,
    };
    if let (Some(shared), Some((desk, settler))) = (&doors.guarantee, doors.people.clone()) {
        let (keys, shared) = (doors.keys.clone(), shared.clone());
        let api = guarantee::api::Api::new(keys, shared, desk, settler);
        router = router.merge(guarantee::api::router(&api));
    }
    if cors {
        router.layer(axum::middleware::from_fn(cors::allow_all))
    } else {
        router
    }
}
