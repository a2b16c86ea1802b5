//! Events for viewers (WHEP core extensions, "Server Sent Events"): whether
//! something is published, its layers, and how many watch.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::Show;
use crate::broadcast::viewers::Viewers;
use crate::doors::Doors;
use crate::doors::wish::{Door, Problem, find, read};

/// All events there are.
pub(super) const NAMES: [&str; 4] = ["active", "inactive", "layers", "viewercount"];

/// How often the number of viewers is looked at: a thousand that come at once
/// would otherwise cost a million events.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// Between two comments that keep proxies from closing a quiet connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `…/sse`: a `POST` chooses events and is told where they come; a `GET` takes
/// all of them, as players do that know no more than the link.
pub(super) fn endpoint() -> MethodRouter<Arc<Doors>> {
    post(create).get(
        async |State(doors): State<Arc<Doors>>, Path(id): Path<String>| {
            open(&doors, &id, &NAMES.join("+"))
        },
    )
}

/// `…/sse/{kinds}`
pub(super) fn stream() -> MethodRouter<Arc<Doors>> {
    let open_some = async |State(doors): State<Arc<Doors>>,
                           Path((id, kinds)): Path<(String, String)>| {
        open(&doors, &id, &kinds)
    };
    // The stream lives as long as its connection: there is nothing else to end.
    get(open_some).delete(async || StatusCode::OK)
}

/// The chosen events stand in the address of their stream, so nothing has to be
/// remembered for it.
async fn create(
    State(doors): State<Arc<Doors>>,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    find(&doors, Door::Whep, &id)?;
    let text = read(body).await?;
    let wanted: Vec<String> = match text.trim() {
        "" => NAMES.map(str::to_owned).to_vec(),
        text => serde_json::from_str(text).map_err(|error| {
            let all = NAMES.join("\", \"");
            let detail = format!("the body is not a list in JSON like [\"{all}\"]: {error}");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?,
    };
    let known: Vec<&str> = NAMES
        .into_iter()
        .filter(|n| wanted.iter().any(|w| w == n))
        .collect();
    let kinds = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join("+")
    };
    let location = format!("/{}/session/{id}/sse/{kinds}", Door::Whep.name());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

fn open(doors: &Doors, id: &str, kinds: &str) -> Result<Response, Problem> {
    let entry = find(doors, Door::Whep, id)?;
    let Some(show) = entry.show else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not a viewer"));
    };
    let teller = Teller {
        show,
        viewers: doors.broadcast.viewers().clone(),
        room: entry.room,
        told: Told::default(),
        queue: Vec::new(),
        kinds: kinds.split('+').map(str::to_owned).collect(),
    };
    // Nginx would collect events until its buffer is full.
    let unbuffered = [("x-accel-buffering", "no")];
    let sse = Sse::new(teller.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok((unbuffered, sse).into_response())
}

/// Tells one stream what changes.
struct Teller {
    show: watch::Receiver<Show>,
    viewers: Viewers,
    room: String,
    told: Told,
    /// Events that are due, the next one last.
    queue: Vec<(&'static str, String)>,
    kinds: Vec<String>,
}

/// What the stream said last.
#[derive(Default)]
struct Told {
    show: Option<Show>,
    viewers: Option<usize>,
}

impl Teller {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, async |mut teller| {
            loop {
                if let Some((name, data)) = teller.queue.pop() {
                    return Some((Ok(Event::default().event(name).data(data)), teller));
                }
                teller.changed().await?;
            }
        })
    }

    /// Waits for news and queues them; `None` when the session is over.
    async fn changed(&mut self) -> Option<()> {
        if self.told.show.is_some() {
            tokio::select! {
                changed = self.show.changed() => changed.ok()?,
                () = tokio::time::sleep(COUNT_INTERVAL) => {}
            }
        }
        let show = self.show.borrow_and_update().clone();
        let viewers = self.viewers.of(&self.room);
        let news = self.told.news(&show, viewers);
        self.told = Told {
            show: Some(show),
            viewers: Some(viewers),
        };
        let wanted = |(name, _): &(&'static str, String)| self.kinds.iter().any(|k| k == name);
        self.queue = news.into_iter().rev().filter(wanted).collect();
        Some(())
    }
}

impl Told {
    /// What is different now, as events. That nothing is live is no news at the
    /// beginning.
    fn news(&self, show: &Show, viewers: usize) -> Vec<(&'static str, String)> {
        let mut news = Vec::new();
        let was_active = self.show.as_ref().is_some_and(|told| told.active);
        if show.active != was_active {
            let name = if show.active { "active" } else { "inactive" };
            news.push((name, "{}".to_owned()));
        }
        if self
            .show
            .as_ref()
            .is_none_or(|told| told.layers != show.layers)
        {
            // Maps with numbers as keys cannot fail.
            news.push((
                "layers",
                serde_json::to_string(&show.layers).unwrap_or_default(),
            ));
        }
        if self.viewers != Some(viewers) {
            let count = serde_json::json!({ "viewercount": viewers });
            news.push(("viewercount", count.to_string()));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(news: &[(&'static str, String)]) -> Vec<&'static str> {
        news.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn only_news_are_told() {
        let mut told = Told::default();
        let mut show = Show::default();
        assert_eq!(names(&told.news(&show, 1)), ["layers", "viewercount"]);
        show.active = true;
        assert_eq!(
            names(&told.news(&show, 1)),
            ["active", "layers", "viewercount"]
        );
        told = Told {
            show: Some(show.clone()),
            viewers: Some(1),
        };
        assert!(told.news(&show, 1).is_empty());
        let news = told.news(&show, 2);
        assert_eq!(news, [("viewercount", r#"{"viewercount":2}"#.to_owned())]);
        show.active = false;
        assert_eq!(names(&told.news(&show, 1)), ["inactive"]);
    }
}
