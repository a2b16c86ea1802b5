//! The report as people read it.

use std::fmt;

use super::{ErrorCount, Media, Percentiles, Report};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.joins(f)?;
        self.media(f)?;
        self.costs(f)?;
        errors(f, &self.errors)
    }
}

impl Report {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        let early = if self.interrupted {
            ", interrupted"
        } else {
            ""
        };
        writeln!(f, "{}", self.url)?;
        writeln!(
            f,
            "{} room(s) x ({} publisher(s) + {} subscriber(s)), video {}, audio {}, {:.1} s after the last join{early}",
            plan.rooms,
            plan.publishers,
            plan.subscribers,
            plan.video,
            if plan.audio { "on" } else { "off" },
            self.window_s,
        )?;
        writeln!(
            f,
            "clients   {} started, {} connected, {} failed; streams {} of {}",
            self.clients.started,
            self.clients.connected,
            self.clients.failed,
            self.clients.streams_received,
            self.clients.streams_expected,
        )
    }

    fn joins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = &self.join_ms;
        writeln!(
            f,
            "\nms{:>26} {:>9} {:>9} {:>9} {:>9}",
            "count", "p50", "p95", "p99", "max"
        )?;
        percentiles(f, "join: signal open", &join.signal_open)?;
        percentiles(f, "  join response", &join.joined)?;
        percentiles(f, "  answer", &join.answered)?;
        percentiles(f, "  ICE", &join.ice)?;
        percentiles(f, "  connected", &join.connected)?;
        percentiles(f, "  first packet", &join.first_packet)?;
        percentiles(f, "  first key frame", &join.first_keyframe)?;
        percentiles(f, "  published", &join.published)?;
        percentiles(f, "latency: audio", &self.audio.latency_ms)?;
        percentiles(f, "latency: video", &self.video.latency_ms)
    }

    fn media(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<8} {:>8} {:>11} {:>11} {:>9} {:>8} {:>9} {:>11} {:>9} {:>8}",
            "",
            "streams",
            "expected",
            "received",
            "by RTX",
            "lost",
            "loss",
            "source loss",
            "jitter",
            "freezes"
        )?;
        media(f, "audio", &self.audio)?;
        media(f, "video", &self.video)
    }

    fn costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = &self.throughput;
        writeln!(
            f,
            "\nsent {:.1} Mbps, {:.0} packets/s; received {:.1} Mbps, {:.0} packets/s; {} published",
            rate.sent_bps / 1e6,
            rate.sent_pps,
            rate.received_bps / 1e6,
            rate.received_pps,
            self.packets_published,
        )?;
        match (self.load_cpu.seconds, self.load_cpu.cores) {
            (Some(seconds), Some(cores)) => {
                writeln!(
                    f,
                    "the load itself took {seconds:.1} CPU s, {cores:.2} cores at last"
                )
            }
            _ => Ok(()),
        }
    }
}

fn percentiles(f: &mut fmt::Formatter<'_>, name: &str, values: &Percentiles) -> fmt::Result {
    if values.count == 0 {
        return Ok(());
    }
    write!(f, "{name:<18} {:>9}", values.count)?;
    for value in [values.p50, values.p95, values.p99, values.max] {
        write!(f, " {:>9.2}", value.unwrap_or_default())?;
    }
    writeln!(f)
}

fn media(f: &mut fmt::Formatter<'_>, name: &str, media: &Media) -> fmt::Result {
    let totals = &media.totals;
    if totals.streams == 0 {
        return Ok(());
    }
    writeln!(
        f,
        "{name:<8} {:>8} {:>11} {:>11} {:>9} {:>8} {:>8.4}% {:>10.4}% {:>6.2} ms {:>8}",
        totals.streams,
        totals.packets_expected,
        totals.packets_received,
        totals.packets_recovered,
        totals.packets_lost,
        media.loss.unwrap_or_default() * 100.0,
        media.source_loss.unwrap_or_default() * 100.0,
        totals.jitter_ms,
        totals.freezes,
    )
}

fn errors(f: &mut fmt::Formatter<'_>, errors: &[ErrorCount]) -> fmt::Result {
    if errors.is_empty() {
        return writeln!(f, "no errors");
    }
    writeln!(f, "\nerrors")?;
    for error in errors {
        writeln!(
            f,
            "{:>7} x {:<18} {}",
            error.count, error.kind, error.example
        )?;
    }
    Ok(())
}
