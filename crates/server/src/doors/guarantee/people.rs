//! Open incidents and declared maintenance on the status page.

use std::fmt::Write as _;

use surecast_guarantee::html::escape;
use surecast_guarantee::module::Region;
use surecast_guarantee::severity::Severity;

use super::words::Words;
use super::{clock, minute};
use crate::guarantee::{OpenIncident, Planned, Status};

/// Shown of each; what is beyond is in the JSON.
const MOST: usize = 20;

pub(super) fn render(status: &Status, words: &Words) -> String {
    let mut out = String::new();
    let incidents = status.incidents.iter().take(MOST);
    let incidents: String = incidents.map(|i| incident(i, words)).collect();
    section(&mut out, words.incidents, &incidents);
    let planned = status.maintenance.iter().take(MOST);
    let planned: String = planned.map(|p| maintenance(p, words)).collect();
    section(&mut out, words.maintenance, &planned);
    out
}

fn section(out: &mut String, title: &str, items: &str) {
    if !items.is_empty() {
        // Writing into a string cannot fail.
        let _ = write!(
            out,
            r#"<section class="people"><h2>{title}</h2><ol>{items}</ol></section>"#
        );
    }
}

fn incident(incident: &OpenIncident, words: &Words) -> String {
    let severity = match incident.severity {
        Severity::S1 => "S1",
        Severity::S2 => "S2",
        Severity::S3 => "S3",
        Severity::S4 => "S4",
    };
    let regions: Vec<&str> = incident.regions.iter().map(Region::name).collect();
    format!(
        r#"<li><b class="severity {severity}">{severity}</b> {} <small>{}</small><span class="soft">{} · {} {}</span></li>"#,
        words.module(incident.module),
        escape(&regions.join(", ")),
        words.incident(incident.state),
        words.since,
        minute(incident.since),
    )
}

fn maintenance(planned: &Planned, words: &Words) -> String {
    let module = planned.module.map(|module| words.module(module));
    let region = planned.region.as_ref().map(Region::name);
    let (start, end) = (planned.interval.start, planned.interval.end);
    let same_day = minute(start).get(..10) == minute(end).get(..10);
    let end = if same_day {
        format!("{} UTC", clock(end))
    } else {
        minute(end)
    };
    format!(
        r#"<li>{} <small>{}</small><span class="soft">{} – {end}</span></li>"#,
        module.unwrap_or(words.everything),
        escape(region.unwrap_or_default()),
        minute(start),
    )
}
