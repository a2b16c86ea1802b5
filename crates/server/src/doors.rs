//! The doors: one file per protocol that somebody can come in by.

mod console;
mod cors;
mod guarantee;
mod health;
pub mod log;
mod metrics;
mod signal;
mod twirp;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use axum::Router;
use axum::routing::{any, get};
use tokio::sync::watch;

use crate::auth::Keys;
use crate::config::Config;
use crate::control::Control;
use crate::guarantee::desk::Desk;
use crate::guarantee::settler::Settler;
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
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// For its counters only; whoever owns it stops it.
    pub media: Weak<MediaPlane>,
    /// What is measured; `None` where that is turned off.
    pub guarantee: Option<Arc<crate::guarantee::Shared>>,
    /// Whether new clients are welcome.
    pub ready: AtomicBool,
    /// Signalling connections that are open.
    pub connections: watch::Sender<usize>,
}

impl Doors {
    fn api(&self, shared: &Arc<crate::guarantee::Shared>) -> Arc<guarantee::api::Api> {
        let contracts = shared.book().contracts().to_vec();
        let desk = Desk::closed(&contracts);
        guarantee::api::Api::new(self.keys.clone(), shared.clone(), desk, Settler)
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// All doors on the HTTP port.
pub fn router(doors: &Arc<Doors>) -> Router {
    let cors = doors.config.http.cors;
    let router = Router::new()
        .route("/rtc", any(signal::v0))
        .route("/rtc/v1", any(signal::v1))
        .route("/rtc/validate", get(signal::validate_v0))
        .route("/rtc/v1/validate", get(signal::validate_v1))
        .route("/twirp/{service}/{method}", any(twirp::call))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::scrape))
        .route("/console/config.json", get(console::config))
        .route("/guarantee/v1/status", get(guarantee::status))
        .route("/status", get(guarantee::page))
        .fallback(console::asset)
        .with_state(doors.clone());
    let router = match &doors.guarantee {
        Some(shared) => router
            .merge(log::routes(shared.log.clone()))
            .merge(guarantee::api::router(&doors.api(shared))),
        None => router,
    };
    if cors {
        router.layer(axum::middleware::from_fn(cors::allow_all))
    } else {
        router
    }
}
