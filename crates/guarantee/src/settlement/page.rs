//! A statement as one self-contained page: no script, no request, light and
//! dark, for a phone and for paper.

mod notes;

use std::fmt::Write as _;

use notes::notes;

use super::conditions::Effects;
use super::text::{attained, percent_or_dash, shown};
use super::{Evidence, Inputs, Line, Settlement, policy};
use crate::calendar;
use crate::contract::Contract;
use crate::exclusion::{ValidExclusion, judge};
use crate::html::escape;
use crate::interval::Interval;
use crate::method::evaluate;
use crate::offer::Lang;
use crate::ratio::Percent;
use crate::term::Period;
use crate::words;

const STYLE: &str = include_str!("page.css");

/// Units of one day in a plot, and its height.
const DAY_WIDTH: usize = 8;
const HEIGHT: u64 = 40;

/// What each line attained on each day of the period, for the plots; `None`
/// where a day is excluded as a whole.
#[must_use]
pub fn days(
    contract: &Contract,
    period: &Period,
    evidence: &Evidence<'_>,
) -> Vec<Vec<Option<Percent>>> {
    let Ok(zone) = calendar::zone(&contract.term.zone) else {
        return Vec::new();
    };
    let Ok(effects) = Effects::of(contract, period, evidence) else {
        return Vec::new();
    };
    let policy = policy(contract);
    let judged = judge(&effects.exclusions, &policy, period.interval);
    let valid: Vec<ValidExclusion> = judged.into_iter().flatten().collect();
    let mut days: Vec<Interval> = Vec::new();
    let mut day = period.start;
    while day < period.end {
        let next = day.saturating_add(jiff::Span::new().days(1));
        if let (Ok(start), Ok(end)) = (
            calendar::midnight(&zone, day),
            calendar::midnight(&zone, next),
        ) {
            days.push(Interval { start, end });
        }
        if next <= day {
            break;
        }
        day = next;
    }
    let of_line = |coverage| {
        let attained = |day: &Interval| {
            let result = evaluate(coverage, evidence.table, *day, &valid).ok()?;
            result.attained.known().map(|r| r.percent())
        };
        days.iter().map(attained).collect()
    };
    contract.coverage.iter().map(of_line).collect()
}

/// The whole document; `days` as [`days`] gives them, or nothing.
#[must_use]
pub fn page(s: &Settlement, days: &[Vec<Option<Percent>>], lang: Lang) -> String {
    let title = escape(&format!(
        "{} – {} – {}",
        lang.pick("Settlement", "结算单"),
        s.contract.id,
        s.period.first
    ));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        lang.tag()
    );
    header(s, lang, &mut out);
    lines(s, days, lang, &mut out);
    sums(s, lang, &mut out);
    notes(s, lang, &mut out);
    footer(s, lang, &mut out);
    out.push_str("</body>\n</html>\n");
    out
}

fn header(s: &Settlement, lang: Lang, out: &mut String) {
    let missed = s.lines.iter().filter(|l| !l.met).count();
    let _ = write!(
        out,
        "<header>\n<p class=\"kicker\">{} · {}</p>\n<h1>{}</h1>\n<p>{} {} · {} – {} · {} {}</p>\n\
         <p class=\"credit\"><strong>{} {}</strong> {}</p>\n<p>{}</p>\n</header>\n",
        lang.pick("Settlement", "结算单"),
        words::status(s.status, lang),
        escape(&s.contract.id),
        lang.pick("version", "版本"),
        s.contract.version,
        s.period.first,
        s.period.end,
        lang.pick("entry", "条目"),
        s.entry,
        shown(s.credit, s.decimals),
        escape(&s.currency),
        lang.pick("credit", "赔付"),
        match lang {
            Lang::En => format!("{missed} of {} lines missed their target", s.lines.len()),
            Lang::Zh => format!("{} 项承诺中有 {missed} 项未达标", s.lines.len()),
        }
    );
}

fn lines(s: &Settlement, days: &[Vec<Option<Percent>>], lang: Lang, out: &mut String) {
    out.push_str("<main>\n<section class=\"lines\">\n");
    for (at, line) in s.lines.iter().enumerate() {
        let _ = write!(
            out,
            "<article class=\"{}\">\n<h2>{} · {}</h2>\n<p class=\"big\">{} <small>{} {}</small></p>\n",
            if line.met { "met" } else { "missed" },
            words::module(line.module, lang),
            escape(line.region.name()),
            attained(line),
            lang.pick("target", "目标"),
            line.target
        );
        plot(line, days.get(at).map_or(&[], Vec::as_slice), lang, out);
        facts(s, line, lang, out);
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

/// A bar per day: how much of what may be missing was missing, on a scale that
/// ends at ten times that.
fn plot(line: &Line, days: &[Option<Percent>], lang: Lang, out: &mut String) {
    if days.is_empty() {
        return;
    }
    let width = days.len() * DAY_WIDTH;
    let label = lang.pick("availability by day", "每日可用率");
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">"
    );
    let spare = line.target.complement().units().max(1);
    for (at, day) in days.iter().enumerate() {
        let (class, height, said) = match day {
            None => ("out", 3, "–".to_owned()),
            Some(p) => {
                let lost = p.complement().units();
                let down = (u128::from(lost) * u128::from(HEIGHT) / (u128::from(spare) * 10))
                    .min(u128::from(HEIGHT - 3));
                let down = u64::try_from(down).unwrap_or(HEIGHT - 3);
                let class = if *p >= line.target { "ok" } else { "low" };
                (class, HEIGHT - down, p.to_string())
            }
        };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"><title>{} {}: {said}</title></rect>",
            at * DAY_WIDTH,
            HEIGHT - height,
            DAY_WIDTH - 2,
            lang.pick("day", "第"),
            at + 1
        );
    }
    out.push_str("</svg>\n");
}

fn facts(s: &Settlement, line: &Line, lang: Lang, out: &mut String) {
    let leaves = line
        .leaves
        .map_or_else(|| "–".to_owned(), |l| format!("{}–{}", l.first, l.last));
    let bad: Vec<String> = line
        .bad_leaves
        .iter()
        .map(|l| format!("{}–{}", l.first, l.last))
        .collect();
    let probes = line.probes.map_or_else(
        || "–".to_owned(),
        |p| format!("{} ({} – {})", p.counts, p.low, p.high),
    );
    let tier = line.tier.map_or_else(
        || "–".to_owned(),
        |t| format!("< {} → {}", t.below, t.credit),
    );
    let unsuspended = line
        .unsuspended
        .map_or_else(|| line.counts.to_string(), |share| share.to_string());
    let rows = [
        (
            lang.pick("credit", "赔付"),
            format!("{} {}", shown(line.credit, s.decimals), s.currency),
        ),
        (
            lang.pick("share of the fee", "费用占比"),
            line.fee_share.to_string(),
        ),
        (lang.pick("tier", "档位"), tier),
        (lang.pick("what pays credits", "计入赔付"), unsuspended),
        (lang.pick("method", "计量方式"), line.method.clone()),
        (lang.pick("counted", "计数"), line.counts.to_string()),
        (
            lang.pick("minutes down", "停机分钟"),
            line.down_minutes.to_string(),
        ),
        (
            lang.pick("without data", "无数据"),
            line.no_data.to_string(),
        ),
        (
            lang.pick("minutes excluded", "排除分钟"),
            line.excluded_minutes.to_string(),
        ),
        (
            lang.pick("outages (95 %)", "故障次数(95 %)"),
            format!(
                "{} ({}–{})",
                line.outages.count,
                milli(line.outages.low_milli),
                milli(line.outages.high_milli)
            ),
        ),
        (lang.pick("probes (95 %)", "探测(95 %)"), probes),
        (lang.pick("leaves", "证据条目"), leaves),
        (
            lang.pick("leaves of bad minutes", "异常分钟证据"),
            if bad.is_empty() {
                "–".to_owned()
            } else {
                bad.join(", ")
            },
        ),
    ];
    out.push_str("<dl>\n");
    for (name, value) in rows {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str("</dl>\n");
}

fn milli(thousandths: u64) -> String {
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

fn sums(s: &Settlement, lang: Lang, out: &mut String) {
    out.push_str("<section class=\"sums\">\n<dl>\n");
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
    };
    let money = |amount| format!("{} {}", shown(amount, s.decimals), s.currency);
    row(lang.pick("fee of the period", "本期费用"), &money(s.fee));
    for line in &s.indicators {
        let rate = format!("{} ({})", percent_or_dash(line.rate), line.counts);
        row(words::indicator(line.indicator, lang), &rate);
    }
    if !s.matrix_credit.is_zero() {
        row(
            lang.pick("by the matrix", "按矩阵"),
            &money(s.matrix_credit),
        );
    }
    for breach in &s.breaches {
        let name = format!(
            "{} {} {:?} {}",
            lang.pick("late", "超时"),
            words::breached(breach.clock, lang),
            breach.severity,
            breach.incident
        );
        row(&name, &money(breach.credit));
    }
    row(lang.pick("sum", "合计"), &money(s.sum));
    row(lang.pick("cap", "上限"), &money(s.cap));
    row(lang.pick("credit", "赔付"), &money(s.credit));
    let claim = s.claim_until.map_or_else(
        || lang.pick("not needed", "无需申请").to_owned(),
        |day| format!("≤ {day}"),
    );
    row(lang.pick("claim", "申请"), &claim);
    out.push_str("</dl>\n</section>\n");
}

fn footer(s: &Settlement, lang: Lang, out: &mut String) {
    let inputs = match (&s.inputs, lang) {
        (Inputs::Log { size, root }, Lang::En) => {
            format!("Computed from the first {size} leaves of the log, root {root}.")
        }
        (Inputs::Log { size, root }, Lang::Zh) => {
            format!("根据日志前 {size} 个条目计算,根哈希 {root}。")
        }
        (Inputs::Digest { sha256 }, _) => format!("sha256 {sha256}"),
    };
    let check = lang.pick(
        "Anybody can compute it again from the public log: surecast evidence verify --log URL",
        "任何人都可由公开日志重新计算:surecast evidence verify --log URL",
    );
    let contract = lang.pick("Contract", "合同");
    let _ = writeln!(
        out,
        "<footer>\n<p>{}</p>\n<p>{check}</p>\n<p>{contract} sha256 {} · tzdb {}</p>\n</footer>",
        escape(&inputs),
        escape(&s.contract.hash),
        escape(&s.tzdb)
    );
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::single_range_in_vec_init,
        reason = "a list of runs may have one"
    )]

    use super::super::tests::{contract, june, settled, with};
    use super::*;
    use crate::module::Module;

    #[test]
    fn nothing_that_was_written_becomes_markup() {
        let rollups = june(Module::Media, &[100..150]);
        let mut s = with(&[], &[], |e| settled(&contract(), &rollups, e));
        s.reason = Some("<script>alert(1)</script>".to_owned());
        s.contract.id = "<b>\"x\"".to_owned();
        s.currency = "<i>".to_owned();
        let days = vec![vec![None, Some(Percent::ONE), Some(Percent::ZERO)]];
        for (lang, words) in [
            (Lang::En, ["provisional", "credit", "1 of 1 lines missed"]),
            (Lang::Zh, ["暂定", "赔付", "1 项承诺中有 1 项未达标"]),
        ] {
            let page = page(&s, &days, lang);
            for word in words {
                assert!(page.contains(word), "{word}");
            }
            for markup in ["<script", "<b>", "<i>", "http"] {
                let found = page.matches(markup).count();
                // The name of the security policy is the only `http`.
                assert_eq!(found, usize::from(markup == "http"), "{markup}");
            }
            assert_eq!(page.matches("<rect").count(), 3);
        }
    }

    #[test]
    fn days_are_those_of_the_period() {
        let rollups = june(Module::Media, &[1440..1440 + 720]);
        let mut table = crate::rollup::RollupTable::new();
        for rollup in &rollups {
            table.import(rollup, None).expect("imported");
        }
        let period = contract().term.periods().expect("periods")[0];
        let days = with(&[], &[], |e| {
            let e = Evidence {
                table: &table,
                ..*e
            };
            days(&contract(), &period, &e)
        });
        assert_eq!(days[0].len(), 30);
        let half = Percent::from_units(Percent::WHOLE / 2);
        assert_eq!((days[0][0], days[0][1]), (Some(Percent::ONE), half));
    }
}
