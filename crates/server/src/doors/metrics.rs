//! `/metrics` for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Doors;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn scrape(State(doors): State<Arc<Doors>>) -> impl IntoResponse {
    // While the server stops there is nothing left to count.
    let census = doors.control.census().await.unwrap_or_default();
    let media = doors
        .media
        .upgrade()
        .map(|media| media.metrics())
        .unwrap_or_default();
    doors.metrics.broadcast(&doors.broadcast);
    (
        [(header::CONTENT_TYPE, OPENMETRICS)],
        doors.metrics.render(census, media),
    )
}
