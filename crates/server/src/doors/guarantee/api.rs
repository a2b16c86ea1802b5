//! `/guarantee/v1/`: contracts, incidents, tickets and settlements, for programs
//! and for the console. `docs/openapi-guarantee.json` describes every answer.
//!
//! [`ROUTES`](routes) is the one list of what there is: the router is built of
//! it, who may do what hangs on it ([`access`]), and a test holds the published
//! description against it.

mod access;
mod body;
mod clocks;
mod contracts;
mod declared;
mod error;
mod inbound;
mod incidents;
mod lines;
mod openapi;
mod settlements;
mod tickets;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::auth::Keys;
use crate::guarantee::{Desk, DeskView, Settler, Shared, timestamp};

use access::Act;
use error::ApiError;

/// What the handlers need.
pub struct Api {
    /// To check tokens.
    pub keys: Keys,
    /// The log and the book.
    pub shared: Arc<Shared>,
    /// The engines of incidents and tickets.
    pub desk: Desk,
    /// The settlements.
    pub settler: Settler,
    /// Lines that were computed a moment ago.
    lines: lines::Cache,
}

impl Api {
    /// From its parts.
    pub fn new(keys: Keys, shared: Arc<Shared>, desk: Desk, settler: Settler) -> Arc<Self> {
        Arc::new(Self {
            keys,
            shared,
            desk,
            settler,
            lines: lines::Cache::default(),
        })
    }

    /// What the desk has of a contract; who asks has been checked.
    fn view(&self, contract: &str) -> Result<Arc<DeskView>, ApiError> {
        let view = self.desk.view(contract);
        view.ok_or_else(|| ApiError::no_contract(contract))
    }
}

/// Something that can be asked for.
struct Route {
    /// For the tests; the handler answers no other.
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler knows"))]
    method: &'static str,
    path: &'static str,
    act: Act,
    handler: MethodRouter<Arc<Api>, Infallible>,
}

impl Route {
    fn get<T: 'static>(path: &'static str, act: Act, handler: impl Handler<T, Arc<Api>>) -> Self {
        Self {
            method: "get",
            path,
            act,
            handler: get(handler),
        }
    }

    fn post<T: 'static>(path: &'static str, act: Act, handler: impl Handler<T, Arc<Api>>) -> Self {
        Self {
            method: "post",
            path,
            act,
            handler: post(handler),
        }
    }
}

/// Below this, all of it.
const BASE: &str = "/guarantee/v1";

/// All that there is, but `/status`, which is older, and the doors of programs
/// that measure.
#[rustfmt::skip]
fn routes() -> Vec<Route> {
    use Act::{Declare, Hook, Incident, Public, Read, Register, Settle, Ticket};
    vec![
        Route::get("/openapi.json", Public, openapi::document),
        Route::get("/contracts", Read, contracts::list),
        Route::get("/contracts/{contract}", Read, contracts::one),
        Route::get("/contracts/{contract}/lines", Read, lines::of_contract),
        Route::get("/contracts/{contract}/incidents", Read, incidents::list),
        Route::get("/contracts/{contract}/incidents/{incident}", Read, incidents::one),
        Route::post("/contracts/{contract}/incidents/{incident}/actions", Incident, incidents::act),
        Route::get("/contracts/{contract}/incidents/{incident}/timeline", Read, incidents::timeline),
        Route::get("/contracts/{contract}/tickets", Read, tickets::list),
        Route::post("/contracts/{contract}/tickets", Ticket, tickets::open),
        Route::get("/contracts/{contract}/tickets/{ticket}", Read, tickets::one),
        Route::post("/contracts/{contract}/tickets/{ticket}/messages", Ticket, tickets::write),
        Route::post("/contracts/{contract}/tickets/{ticket}/actions", Ticket, tickets::act),
        Route::get("/contracts/{contract}/maintenance", Read, declared::maintenance),
        Route::post("/contracts/{contract}/maintenance", Declare, declared::declare),
        Route::get("/contracts/{contract}/events", Read, declared::events),
        Route::post("/contracts/{contract}/events", Register, declared::register),
        Route::get("/contracts/{contract}/settlements", Read, settlements::list),
        Route::get("/contracts/{contract}/settlements/{period}", Read, settlements::one),
        Route::post("/contracts/{contract}/settlements/{period}/steps", Settle, settlements::step),
        Route::post("/inbound/mail", Hook, inbound::mail),
        Route::post("/inbound/phone", Hook, inbound::phone),
    ]
}

/// The door.
pub fn router(api: &Arc<Api>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let guard = axum::middleware::from_fn_with_state((api.clone(), route.act), access::guard);
        let path = format!("{BASE}{}", route.path);
        router = router.route(&path, route.handler.layer(guard));
    }
    router
        .method_not_allowed_fallback(wrong_method)
        .route(&format!("{BASE}/{{*rest}}"), axum::routing::any(nothing))
        .layer(axum::middleware::from_fn(error::translate))
        .layer(axum::middleware::map_response(private))
        .with_state(api.clone())
}

async fn nothing(request: Request) -> ApiError {
    let path: String = request.uri().path().chars().take(256).collect();
    ApiError::NotFound(format!(
        "there is nothing at {path}: {BASE}/openapi.json says what there is"
    ))
}

async fn wrong_method(request: Request) -> Response {
    let why = format!(
        "{} is not for {}: {BASE}/openapi.json says what is",
        request.method(),
        request.uri().path().chars().take(256).collect::<String>(),
    );
    error::answer(StatusCode::METHOD_NOT_ALLOWED, &why)
}

/// What one may see is nobody else's: no cache keeps it. Its date is that of the
/// guarantee's clock, so that whoever counts down from an answer counts right
/// with a clock of their own that is wrong, and with `--dev-time`.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, date);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response.into_response()
}

#[cfg(test)]
mod tests;
