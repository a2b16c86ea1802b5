//! What the template sets: everything as the text that is to be read, in the
//! contract's time zone.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use surecast_guarantee::calendar;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::Party;
use surecast_guarantee::contract::policy::Effect;
use surecast_guarantee::contract::remedy::Scheme;
use surecast_guarantee::exclusion::ExclusionClass;
use surecast_guarantee::interval::Interval;
use surecast_guarantee::method::{LeafRange, Used};
use surecast_guarantee::module::Module;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::ratio::Percent;
use surecast_guarantee::rollup::experience::Indicator;
use surecast_guarantee::settlement::{
    BreachedClock, ConditionLine, GenerationLine, Inputs, Line, Settlement, Status, Step,
};
use surecast_guarantee::words;

use crate::text::{HALF, NARROW, breakable, money, printable};
use crate::{Document, Past, PdfError};

/// Leaves of bad minutes that are printed of a line; the attached statement has
/// them all.
const BAD_LEAVES: usize = 4;

/// What is attached.
pub fn canonical(document: &Document<'_>) -> Result<String, PdfError> {
    let text = document.settlement.to_canonical();
    text.map_err(|error| PdfError::Data(error.to_string()))
}

/// The template's data as JSON.
pub fn data(document: &Document<'_>, canonical: &str) -> Result<Vec<u8>, PdfError> {
    let Document {
        contract,
        settlement: s,
        ..
    } = document;
    same_contract(contract, s)?;
    let zone = calendar::zone(&contract.term.zone).map_err(|e| PdfError::Data(e.to_string()))?;
    let mut data = head(document, canonical)?;
    let parts = [
        amounts(contract, s),
        json!({
            "lines": s.lines.iter().map(|l| line(s, l, &zone)).collect::<Vec<_>>(),
            "history": document.history.iter().map(|p| past(p, &zone)).collect::<Vec<_>>(),
        }),
        lists(s, &zone),
        json!({ "words": names(document.lang) }),
    ];
    for part in parts {
        if let (Value::Object(all), Value::Object(part)) = (&mut data, part) {
            all.extend(part);
        }
    }
    printable(&mut data);
    serde_json::to_vec(&data).map_err(|error| PdfError::Data(error.to_string()))
}

/// The names that everything else uses, too.
fn names(lang: Lang) -> Value {
    let all = |list: Vec<(String, &'static str)>| -> Value {
        let pairs = list.into_iter().map(|(key, name)| (key, json!(name)));
        Value::Object(pairs.collect())
    };
    let statuses = [
        Status::Provisional,
        Status::Final,
        Status::Credited,
        Status::Disputed,
        Status::Recomputed,
    ];
    let steps = [
        Step::Settle,
        Step::Correct,
        Step::Finalise,
        Step::Credit,
        Step::Dispute,
    ];
    let classes = [
        ExclusionClass::Maintenance,
        ExclusionClass::ConfigurationDrift,
        ExclusionClass::AbovePeak,
        ExclusionClass::MinimumSpend,
        ExclusionClass::ForceMajeure,
    ];
    let clocks = [BreachedClock::Response, BreachedClock::Restoration];
    let effects = [Effect::Notify, Effect::Exclude, Effect::SuspendCredits];
    let requirements = ["min_spend", "frozen_config", "declared_peak"];
    json!({
        "module": all(Module::ALL.map(|m| (m.name().to_owned(), words::module(m, lang))).into()),
        "statuses": all(statuses.map(|s| (s.name().to_owned(), words::status(s, lang))).into()),
        "steps": all(steps.map(|s| (s.name().to_owned(), words::step(s, lang))).into()),
        "classes": all(classes.map(|c| (key(&json!(c)), words::class(c, lang))).into()),
        "clocks": all(clocks.map(|c| (key(&json!(c)), words::breached(c, lang))).into()),
        "effects": all(effects.map(|e| (key(&json!(e)), words::effect(e, lang))).into()),
        "requires": all(
            requirements.map(|r| (r.to_owned(), words::requirement(r, lang))).into()
        ),
        "indicator_names": all(
            Indicator::ALL.map(|i| (key(&json!(i)), words::indicator(i, lang))).into()
        ),
    })
}

/// The name in statements.
fn key(name: &Value) -> String {
    name.as_str().unwrap_or_default().to_owned()
}

fn same_contract(contract: &Contract, s: &Settlement) -> Result<(), PdfError> {
    let expected = contract.hash().map_err(|e| PdfError::Data(e.to_string()))?;
    let found = s.contract.hash.clone();
    if found == expected {
        return Ok(());
    }
    Err(PdfError::OtherContract { found, expected })
}

/// Who, what, where.
fn head(document: &Document<'_>, canonical: &str) -> Result<Value, PdfError> {
    let (contract, s) = (document.contract, document.settlement);
    let wrong = |e: &dyn std::fmt::Display| PdfError::Data(e.to_string());
    let periods = contract.term.periods().map_err(|e| wrong(&e))?.len();
    let end = contract.term.end_exclusive().map_err(|e| wrong(&e))?;
    let date = s.period.end;
    let log = match &s.inputs {
        Inputs::Log { size, root } => json!({
            "origin": document.origin, "size": size.to_string(), "root": root,
        }),
        Inputs::Digest { sha256 } => json!({
            "origin": document.origin, "size": null, "digest": sha256,
        }),
    };
    Ok(json!({
        "lang": match document.lang { Lang::En => "en", Lang::Zh => "zh" },
        // That of the statement: it is the same whenever it is printed.
        "date": {"year": date.year(), "month": date.month(), "day": date.day()},
        "provider": party(&contract.parties.provider),
        "customer": party(&contract.parties.customer),
        "contract": {
            "id": contract.id, "version": contract.version.to_string(), "hash": s.contract.hash,
            "first": contract.term.start.to_string(), "last": last(end),
            "zone": contract.term.zone,
            // Periods of a renewal are numbered on from those of the first term.
            "periods": ((s.period.index as usize) < periods).then(|| periods.to_string()),
        },
        "period": {
            "number": (u64::from(s.period.index) + 1).to_string(),
            "first": s.period.first.to_string(), "last": last(s.period.end),
        },
        "entry": s.entry.to_string(),
        "status": s.status.name(),
        "reason": s.reason.as_deref().map(|why| breakable(why, HALF)),
        "leaf": document.leaf.map(|leaf| leaf.to_string()),
        "log": log,
        "statement_hash": sha256(canonical),
        "tzdb": s.tzdb,
    }))
}

fn party(party: &Party) -> Value {
    let contact = &party.contact;
    let mail = contact.mail.as_deref().unwrap_or_default();
    let who = if contact.name == party.name {
        ""
    } else {
        &contact.name
    };
    let parts = [who, mail].into_iter().filter(|part| !part.is_empty());
    let contact = parts
        .map(|part| breakable(part, HALF))
        .collect::<Vec<_>>()
        .join(" · ");
    json!({"name": breakable(&party.name, HALF), "contact": contact})
}

/// The last day before an exclusive end, as people write it.
fn last(end: Date) -> String {
    end.yesterday().unwrap_or(end).to_string()
}

fn amounts(contract: &Contract, s: &Settlement) -> Value {
    let money = |amount: Decimal| money(amount, s.decimals);
    let matrix = matches!(contract.remedies.scheme, Scheme::Matrix(_));
    let lines: Decimal = s.lines.iter().map(|line| line.credit).sum();
    json!({
        "currency": s.currency,
        "fee": money(s.fee),
        "line_credit": money(lines),
        "matrix_credit": matrix.then(|| money(s.matrix_credit)),
        "breach_credit": money(s.breach_credit),
        "sum": money(s.sum),
        "cap": money(s.cap),
        "cap_share": contract.remedies.cap.to_string(),
        "minimum": contract.remedies.minimum.map(money),
        "credit": money(s.credit),
        "credit_is_zero": s.credit.is_zero(),
        "claim_until": s.claim_until.map(|day| day.to_string()),
        "missed": s.lines.iter().filter(|line| !line.met).count().to_string(),
    })
}

fn line(s: &Settlement, line: &Line, zone: &TimeZone) -> Value {
    let percent = |p: Option<Percent>| p.map_or_else(|| "–".to_owned(), |p| p.to_string());
    let probes = line
        .probes
        .map(|p| json!({"low": p.low.to_string(), "high": p.high.to_string()}));
    let window = (line.window != s.period.interval).then(|| span(line.window, zone));
    let bad = line.bad_leaves.iter().take(BAD_LEAVES).copied().map(leaves);
    let bad: Vec<String> = bad.collect();
    let more = line.bad_leaves.len().saturating_sub(BAD_LEAVES) as u64;
    json!({
        "module": line.module.name(),
        "region": breakable(line.region.name(), NARROW),
        "method": line.method,
        "guard": line.used == Used::Guard,
        "target": line.target.to_string(),
        "attained": percent(line.attained),
        "met": line.met,
        "counts": line.counts.to_string(),
        "slices": format!("{} / {} / {}", line.good, line.bad, line.no_data),
        "by_probes": line.by_probes,
        "down_minutes": line.down_minutes,
        "excluded_minutes": line.excluded_minutes,
        "outages": {
            "count": line.outages.count.to_string(),
            "low": milli(line.outages.low_milli), "high": milli(line.outages.high_milli),
        },
        "probes": probes,
        "unsuspended": line.unsuspended.map(|share| share.to_string()),
        "window": window,
        "fee_share": line.fee_share.to_string(),
        "tier": line.tier.map(|tier| tier.below.to_string()),
        "rate": line.rate.to_string(),
        "credit": money(line.credit, s.decimals),
        "leaves": line.leaves.map_or_else(|| "–".to_owned(), leaves),
        "bad_leaves": if bad.is_empty() { "–".to_owned() } else { bad.join(", ") },
        "more_bad_leaves": line.more_bad_leaves.saturating_add(more),
        "silent": line.silent.iter().map(|i| span(*i, zone)).collect::<Vec<_>>(),
        "more_silent": line.more_silent,
    })
}

fn lists(s: &Settlement, zone: &TimeZone) -> Value {
    let exclusions = s.exclusions.iter().map(|e| {
        let mut row = span(e.interval, zone);
        row["class"] = json!(e.class);
        row["seconds"] = json!(e.counted_s.to_string());
        row["refused"] = json!(e.refused.as_deref().map(|why| breakable(why, NARROW)));
        row["leaf"] = json!(
            e.leaf
                .map_or_else(|| "–".to_owned(), |leaf| leaf.to_string())
        );
        row
    });
    let breaches = s.breaches.iter().map(|b| {
        json!({
            "incident": breakable(&b.incident, NARROW), "clock": b.clock,
            "severity": b.severity, "due": instant(b.due, zone),
            "credit": money(b.credit, s.decimals),
        })
    });
    let indicators = s.indicators.iter().map(|i| {
        json!({
            "name": i.indicator,
            "rate": i.rate.map_or_else(|| "–".to_owned(), |p| p.to_string()),
            "counts": i.counts.to_string(),
            "no_data": i.no_data, "excluded": i.excluded_minutes,
        })
    });
    let contradictions = s.contradictions.iter().map(|c| breakable(c, HALF));
    json!({
        "exclusions": exclusions.collect::<Vec<_>>(), "more_exclusions": s.more_exclusions,
        "breaches": breaches.collect::<Vec<_>>(), "more_breaches": s.more_breaches,
        "conditions": s.conditions.iter().map(|c| condition(c, zone)).collect::<Vec<_>>(),
        "generations": s.generations.iter().map(|g| generation(g, zone)).collect::<Vec<_>>(),
        "suspended": (s.suspended_s > 0).then(|| s.suspended_s.to_string()),
        "indicators": indicators.collect::<Vec<_>>(),
        "contradictions": contradictions.collect::<Vec<_>>(),
        "more_contradictions": s.more_contradictions,
    })
}

fn condition(c: &ConditionLine, zone: &TimeZone) -> Value {
    let modules: Vec<&str> = c.modules.iter().map(|module| module.name()).collect();
    json!({
        "requires": c.requires,
        "modules": modules,
        "effect": c.effect,
        "notice": instant(c.notice, zone),
        "leaf": c.leaf.to_string(),
        "cure_until": instant(c.cure_until, zone),
        "cured": c.cured.map(|at| instant(at, zone)),
        "lapsed": c.lapsed_s.to_string(),
    })
}

fn generation(g: &GenerationLine, zone: &TimeZone) -> Value {
    json!({
        "generation": breakable(&g.generation, NARROW),
        "step": g.step,
        "from": g.from.map_or_else(|| "–".to_owned(), |at| instant(at, zone)),
        "on_upgrade": g.on_upgrade,
        "unsupported": g.unsupported_s.to_string(),
        "refused": g.refused.as_deref().map(|why| breakable(why, NARROW)),
        "leaf": g.leaf.to_string(),
    })
}

fn past(past: &Past, zone: &TimeZone) -> Value {
    let s = &past.settlement;
    json!({
        "entry": s.entry,
        "step": s.step.name(),
        "status": s.status.name(),
        "at": instant(past.at, zone),
        "leaf": past.leaf.to_string(),
        "reason": breakable(s.reason.as_deref().unwrap_or_default(), NARROW),
        "credit": money(s.credit, s.decimals),
    })
}

fn span(interval: Interval, zone: &TimeZone) -> Value {
    json!({"from": instant(interval.start, zone), "to": instant(interval.end, zone)})
}

/// `2026-06-01 12:00 +02:00`, and seconds where there are any.
fn instant(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned_datetime(zone.clone());
    let format = if at.second() == 0 {
        "%F %H:%M %:z"
    } else {
        "%F %H:%M:%S %:z"
    };
    at.strftime(format).to_string()
}

fn leaves(range: LeafRange) -> String {
    if range.first == range.last {
        return range.first.to_string();
    }
    format!("{}–{}", range.first, range.last)
}

fn milli(thousandths: u64) -> String {
    // Hundredths are enough to be read; the attached statement has them all.
    format!("{}.{:02}", thousandths / 1000, thousandths % 1000 / 10)
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut out, byte| {
        // Writing into a text does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
