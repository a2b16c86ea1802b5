//! A statement for a terminal.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::{
    BreachedClock, ConditionLine, GenerationLine, GenerationStep, Inputs, Line, Settlement,
};
use crate::contract::policy::{Effect, OnUpgrade};
use crate::ratio::Percent;
use crate::rollup::experience::Indicator;

/// The whole statement in plain text, a line of coverage a row.
#[must_use]
pub fn text(s: &Settlement) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = writeln!(
        out,
        "{}: {} to {} (exclusive), entry {}, {}",
        s.title(),
        s.period.first,
        s.period.end,
        s.entry,
        s.status
    );
    let _ = writeln!(out, "stands on {}\n", inputs(&s.inputs));
    let _ = writeln!(
        out,
        "{:<12}{:<18}{:>12}{:>12}{:>10}{:>10}{:>8}{:>14}",
        "module", "region", "attained", "target", "down min", "excluded", "rate", "credit"
    );
    for line in &s.lines {
        let _ = writeln!(
            out,
            "{:<12}{:<18}{:>12}{:>12}{:>10}{:>10}{:>8}{:>14}{}",
            line.module.name(),
            line.region.name(),
            attained(line),
            line.target.to_string(),
            line.down_minutes,
            line.excluded_minutes,
            line.rate.to_string(),
            shown(line.credit, s.decimals),
            if line.met { "" } else { "  missed" }
        );
    }
    rest(s, &mut out);
    missing(s, &mut out);
    out
}

/// What was attained, or a dash.
pub(super) fn attained(line: &Line) -> String {
    percent_or_dash(line.attained)
}

pub(super) fn percent_or_dash(percent: Option<Percent>) -> String {
    percent.map_or_else(|| "–".to_owned(), |p| p.to_string())
}

/// An amount with the decimals of the currency, cut. Only the credit is rounded,
/// and it comes rounded.
pub(super) fn shown(amount: Decimal, decimals: u32) -> String {
    let mut cut = amount.trunc_with_scale(decimals);
    cut.rescale(decimals);
    cut.to_string()
}

pub(super) fn inputs(inputs: &Inputs) -> String {
    match inputs {
        Inputs::Log { size, root } => format!("the first {size} leaves of the log, root {root}"),
        Inputs::Digest { sha256 } => format!("inputs that are in no log, sha256 {sha256}"),
    }
}

pub(super) const fn indicator_name(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Join => "join",
        Indicator::Audio => "audio",
        Indicator::Video => "video",
        Indicator::Delay => "delay",
    }
}

pub(super) const fn clock_name(clock: BreachedClock) -> &'static str {
    match clock {
        BreachedClock::Response => "response",
        BreachedClock::Restoration => "restoration",
    }
}

fn rest(s: &Settlement, out: &mut String) {
    let money = |amount| format!("{} {}", shown(amount, s.decimals), s.currency);
    for line in &s.indicators {
        let _ = writeln!(
            out,
            "indicator {}: {} ({})",
            indicator_name(line.indicator),
            percent_or_dash(line.rate),
            line.counts
        );
    }
    if !s.matrix_credit.is_zero() {
        let _ = writeln!(out, "credit by the matrix: {}", money(s.matrix_credit));
    }
    for breach in &s.breaches {
        let _ = writeln!(
            out,
            "late {} of {} ({:?}), due {}: {}",
            clock_name(breach.clock),
            plain(&breach.incident),
            breach.severity,
            breach.due,
            money(breach.credit)
        );
    }
    let _ = writeln!(
        out,
        "\nsum {}, cap {}\ncredit {}",
        money(s.sum),
        money(s.cap),
        money(s.credit)
    );
    match s.claim_until {
        Some(day) => {
            let _ = writeln!(out, "to be claimed until {day}");
        }
        None => out.push_str("without a claim\n"),
    }
    if let Some(reason) = &s.reason {
        let _ = writeln!(out, "reason: {}", plain(reason));
    }
}

/// What did not count, what nobody said, what was said twice.
fn missing(s: &Settlement, out: &mut String) {
    for exclusion in &s.exclusions {
        let leaf = exclusion
            .leaf
            .map_or(String::new(), |l| format!(" (leaf {l})"));
        let what = match &exclusion.refused {
            Some(why) => format!("does not count: {why}"),
            None => format!("takes out {} s", exclusion.counted_s),
        };
        let _ = writeln!(
            out,
            "{:?}{leaf} from {} to {}: {what}",
            exclusion.class, exclusion.interval.start, exclusion.interval.end
        );
    }
    for c in &s.conditions {
        let _ = writeln!(out, "{}", condition(c));
    }
    for g in &s.generations {
        let _ = writeln!(out, "{}", generation(g));
    }
    if s.suspended_s > 0 {
        let _ = writeln!(out, "credits are suspended for {} s", s.suspended_s);
    }
    for line in &s.lines {
        let name = format!("{} {}", line.module, line.region);
        if let Some(share) = line.unsuspended {
            let _ = writeln!(out, "{name}: {share} while credits were not suspended");
        }
        for silent in &line.silent {
            let _ = writeln!(
                out,
                "{name}: no data from {} to {}: counts as down",
                silent.start, silent.end
            );
        }
        if line.more_silent > 0 {
            let _ = writeln!(out, "{name}: {} more times without data", line.more_silent);
        }
    }
    for contradiction in &s.contradictions {
        let _ = writeln!(out, "said twice, the worse counts: {contradiction}");
    }
    for (more, what) in [
        (s.more_exclusions, "exclusions"),
        (s.more_breaches, "breaches"),
        (s.more_contradictions, "contradictions or more"),
    ] {
        if more > 0 {
            let _ = writeln!(out, "and {more} more {what}");
        }
    }
}

fn condition(c: &ConditionLine) -> String {
    let effect = match c.effect {
        Effect::Notify => "noted only",
        Effect::Exclude => "that time is excluded",
        Effect::SuspendCredits => "that time pays no credits",
    };
    let cured = c
        .cured
        .map_or_else(|| "not cured".to_owned(), |at| format!("cured at {at}"));
    let modules: Vec<&str> = c.modules.iter().map(|m| m.name()).collect();
    let modules = match modules.as_slice() {
        [] => String::new(),
        names => format!(" of {}", names.join(", ")),
    };
    format!(
        "condition {} ({}{modules}): notice at {} (leaf {}), to be cured until {}, {cured}; \
         not kept for {} s after that: {effect}",
        c.condition,
        plain(&c.requires),
        c.notice,
        c.leaf,
        c.cure_until,
        c.lapsed_s
    )
}

fn generation(g: &GenerationLine) -> String {
    let name = plain(&g.generation);
    let from = g.from.map_or_else(String::new, |from| from.to_string());
    let said = match (g.step, &g.refused) {
        (_, Some(why)) => format!("has no effect: {}", plain(why)),
        (GenerationStep::Upgraded, None) => match g.on_upgrade {
            Some(OnUpgrade::RestartTerm) => format!("runs from {from} on; the term begins anew"),
            _ => format!("runs from {from} on; the term goes on"),
        },
        (GenerationStep::SupportEnded, None) => format!(
            "has no support from {from} on; late clocks pay nothing for {} s",
            g.unsupported_s
        ),
    };
    let step = match g.step {
        GenerationStep::Upgraded => "upgrade to",
        GenerationStep::SupportEnded => "end of support of",
    };
    format!("{step} generation {name} (leaf {}): it {said}", g.leaf)
}

/// For a terminal: a log of others can have anything in it.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect()
}
