//! `/healthz`: the process lives. `/readyz`: it takes new clients.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::Doors;

/// A control actor that needs longer than this for one answer is not well.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn healthz(State(doors): State<Arc<Doors>>) -> (StatusCode, &'static str) {
    match tokio::time::timeout(PATIENCE, doors.control.census()).await {
        Ok(Ok(_)) => (StatusCode::OK, "ok\n"),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the room engine does not answer\n",
        ),
    }
}

pub(super) async fn readyz(state: State<Arc<Doors>>) -> (StatusCode, &'static str) {
    if !state.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    healthz(state).await
}
