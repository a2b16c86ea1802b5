//! A statement for a terminal, in English and 中文.

use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::{ConditionLine, GenerationLine, GenerationStep, Inputs, Line, Settlement};
use crate::contract::policy::OnUpgrade;
use crate::offer::Lang;
use crate::ratio::Percent;
use crate::words;

/// Columns of the table of lines: their titles and widths in cells. The first two
/// begin at the left.
const COLUMNS: [(&str, &str, usize); 8] = [
    ("module", "模块", 16),
    ("region", "区域", 18),
    ("attained", "实际达成", 12),
    ("target", "目标", 12),
    ("down min", "停机分钟", 10),
    ("excluded", "排除", 10),
    ("rate", "比例", 8),
    ("credit", "赔付", 14),
];

/// The whole statement in plain text, a line of coverage a row.
#[must_use]
pub fn text(s: &Settlement, lang: Lang) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let status = words::status(s.status, lang);
    let (first, end, entry) = (s.period.first, s.period.end, s.entry);
    let _ = match lang {
        Lang::En => writeln!(
            out,
            "{}: {first} to {end} (exclusive), entry {entry}, {status}",
            s.title()
        ),
        Lang::Zh => writeln!(
            out,
            "{} 版本 {} 第 {} 期：{first} 至 {end}（不含），条目 {entry}，{status}",
            plain(&s.contract.id),
            s.contract.version,
            u64::from(s.period.index) + 1
        ),
    };
    let stands = lang.pick("stands on", "依据");
    let _ = writeln!(out, "{stands} {}\n", inputs(&s.inputs, lang));
    row(
        &mut out,
        &COLUMNS.map(|(en, zh, _)| lang.pick(en, zh).to_owned()),
    );
    for line in &s.lines {
        row(
            &mut out,
            &[
                words::module(line.module, lang).to_owned(),
                line.region.name().to_owned(),
                attained(line),
                line.target.to_string(),
                line.down_minutes.to_string(),
                line.excluded_minutes.to_string(),
                line.rate.to_string(),
                shown(line.credit, s.decimals),
            ],
        );
        if !line.met {
            out.pop();
            let _ = writeln!(out, "  {}", lang.pick("missed", "未达标"));
        }
    }
    rest(s, lang, &mut out);
    missing(s, lang, &mut out);
    out
}

/// Cells of a terminal: a Chinese character takes two.
fn row(out: &mut String, cells: &[String; 8]) {
    for (at, (cell, (_, _, width))) in cells.iter().zip(COLUMNS).enumerate() {
        let wide = cell.chars().filter(|c| *c >= '\u{2e80}').count();
        let pad = " ".repeat(width.saturating_sub(cell.chars().count() + wide));
        if at < 2 {
            out.push_str(cell);
            out.push_str(&pad);
        } else {
            out.push_str(&pad);
            out.push_str(cell);
        }
    }
    out.push('\n');
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

fn inputs(inputs: &Inputs, lang: Lang) -> String {
    match (inputs, lang) {
        (Inputs::Log { size, root }, Lang::En) => {
            format!("the first {size} leaves of the log, root {root}")
        }
        (Inputs::Log { size, root }, Lang::Zh) => {
            format!("日志的前 {size} 个条目，根哈希 {root}")
        }
        (Inputs::Digest { sha256 }, lang) => {
            let none = lang.pick(
                "inputs that are in no log, sha256",
                "未入日志的输入，sha256",
            );
            format!("{none} {sha256}")
        }
    }
}

fn rest(s: &Settlement, lang: Lang, out: &mut String) {
    let money = |amount| format!("{} {}", shown(amount, s.decimals), s.currency);
    let colon = lang.pick(": ", "：");
    for line in &s.indicators {
        let name = words::indicator(line.indicator, lang);
        let label = lang.pick("indicator", "指标");
        let rate = percent_or_dash(line.rate);
        let _ = writeln!(out, "{label} {name}{colon}{rate} ({})", line.counts);
    }
    if !s.matrix_credit.is_zero() {
        let label = lang.pick("credit by the matrix", "按赔付矩阵");
        let _ = writeln!(out, "{label}{colon}{}", money(s.matrix_credit));
    }
    for breach in &s.breaches {
        let clock = words::breached(breach.clock, lang);
        let (incident, severity) = (plain(&breach.incident), breach.severity);
        let (due, credit) = (breach.due, money(breach.credit));
        let _ = match lang {
            Lang::En => writeln!(
                out,
                "late: {clock} of {incident} ({severity:?}), due {due}: {credit}"
            ),
            Lang::Zh => writeln!(
                out,
                "超时：{incident}（{severity:?}）的{clock}，应于 {due} 前完成：{credit}"
            ),
        };
    }
    let (sum, cap, credit) = (money(s.sum), money(s.cap), money(s.credit));
    let _ = match lang {
        Lang::En => writeln!(out, "\nsum {sum}, cap {cap}\ncredit {credit}"),
        Lang::Zh => writeln!(out, "\n合计 {sum}，上限 {cap}\n赔付 {credit}"),
    };
    let _ = match (s.claim_until, lang) {
        (Some(day), Lang::En) => writeln!(out, "to be claimed until {day}"),
        (Some(day), Lang::Zh) => writeln!(out, "须在 {day} 之前申请"),
        (None, lang) => writeln!(out, "{}", lang.pick("without a claim", "无需申请")),
    };
    if let Some(reason) = &s.reason {
        let label = lang.pick("reason", "原因");
        let _ = writeln!(out, "{label}{colon}{}", plain(reason));
    }
}

/// What did not count, what nobody said, what was said twice.
fn missing(s: &Settlement, lang: Lang, out: &mut String) {
    let colon = lang.pick(": ", "：");
    for exclusion in &s.exclusions {
        let leaf = exclusion
            .leaf
            .map_or(String::new(), |leaf| format!(" #{leaf}"));
        let what = match (&exclusion.refused, lang) {
            (Some(why), lang) => {
                format!("{}{colon}{why}", lang.pick("does not count", "不计入"))
            }
            (None, Lang::En) => format!("takes out {} s", exclusion.counted_s),
            (None, Lang::Zh) => format!("已排除 {} 秒", exclusion.counted_s),
        };
        let class = words::class(exclusion.class, lang);
        let (start, end) = (exclusion.interval.start, exclusion.interval.end);
        let _ = writeln!(out, "{class}{leaf} {start} – {end}{colon}{what}");
    }
    for c in &s.conditions {
        let _ = writeln!(out, "{}", condition(c, lang));
    }
    for g in &s.generations {
        let _ = writeln!(out, "{}", generation(g, lang));
    }
    if s.suspended_s > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "credits are suspended for {} s", s.suspended_s),
            Lang::Zh => writeln!(out, "暂停赔付 {} 秒", s.suspended_s),
        };
    }
    for line in &s.lines {
        silence(line, lang, out);
    }
    let twice = lang.pick("said twice, the worse counts", "数据矛盾，取较差者");
    for contradiction in &s.contradictions {
        let _ = writeln!(out, "{twice}{colon}{contradiction}");
    }
    for (more, en, zh) in [
        (s.more_exclusions, "exclusions", "项排除"),
        (s.more_breaches, "breaches", "项超时"),
        (
            s.more_contradictions,
            "contradictions or more",
            "项以上矛盾",
        ),
    ] {
        let _ = match (more, lang) {
            (0, _) => Ok(()),
            (more, Lang::En) => writeln!(out, "and {more} more {en}"),
            (more, Lang::Zh) => writeln!(out, "另有 {more} {zh}"),
        };
    }
}

/// What is to be said of one line beside its row.
fn silence(line: &Line, lang: Lang, out: &mut String) {
    let name = format!("{} {}", words::module(line.module, lang), line.region);
    let colon = lang.pick(": ", "：");
    if let Some(share) = line.unsuspended {
        let _ = match lang {
            Lang::En => writeln!(out, "{name}: {share} while credits were not suspended"),
            Lang::Zh => writeln!(out, "{name}：未暂停赔付期间 {share}"),
        };
    }
    let down = lang.pick("no data, counts as down", "无数据，按停机计");
    for silent in &line.silent {
        let _ = writeln!(
            out,
            "{name}{colon}{} – {}{colon}{down}",
            silent.start, silent.end
        );
    }
    if line.more_silent > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "{name}: {} more times without data", line.more_silent),
            Lang::Zh => writeln!(out, "{name}：另有 {} 段无数据", line.more_silent),
        };
    }
}

/// A condition in a sentence.
pub(super) fn condition(c: &ConditionLine, lang: Lang) -> String {
    let requires = plain(words::requirement(&c.requires, lang));
    let effect = words::effect(c.effect, lang);
    let cured = match (c.cured, lang) {
        (Some(at), Lang::En) => format!("cured {at}"),
        (Some(at), Lang::Zh) => format!("已于 {at} 整改"),
        (None, lang) => lang.pick("not cured", "未整改").to_owned(),
    };
    let modules = c.modules.iter().map(|m| words::module(*m, lang));
    let modules: Vec<&str> = modules.collect();
    let modules = match modules.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(lang.pick(", ", "、"))),
    };
    let (number, notice, leaf) = (c.condition, c.notice, c.leaf);
    let (until, lapsed) = (c.cure_until, c.lapsed_s);
    match lang {
        Lang::En => format!(
            "condition {number}, {requires}{modules}: notice {notice} #{leaf}, to be cured until \
             {until}, {cured}; not kept after that for {lapsed} s: {effect}"
        ),
        Lang::Zh => format!(
            "条件 {number} {requires}{modules}：{notice} 通知 #{leaf}，整改期至 {until}，{cured}；\
             此后未遵守 {lapsed} 秒：{effect}"
        ),
    }
}

/// What became of a generation, in a sentence.
pub(super) fn generation(g: &GenerationLine, lang: Lang) -> String {
    let (name, leaf) = (plain(&g.generation), g.leaf);
    let colon = lang.pick(": ", "：");
    let step = match g.step {
        GenerationStep::Upgraded => lang.pick("upgrade to generation", "升级到产品代"),
        GenerationStep::SupportEnded => lang.pick("end of support of generation", "停止支持产品代"),
    };
    if let Some(why) = &g.refused {
        let none = lang.pick("no effect", "无效");
        return format!("{step} {name} #{leaf}{colon}{none}{colon}{}", plain(why));
    }
    let from = g.from.map_or_else(String::new, |from| from.to_string());
    let from = match lang {
        Lang::En => format!("from {from} on"),
        Lang::Zh => format!("自 {from} 起"),
    };
    let follows = match (g.step, g.on_upgrade, lang) {
        (GenerationStep::SupportEnded, _, Lang::En) => {
            format!("late clocks pay nothing for {} s", g.unsupported_s)
        }
        (GenerationStep::SupportEnded, _, Lang::Zh) => {
            format!("有 {} 秒超时不予赔付", g.unsupported_s)
        }
        (GenerationStep::Upgraded, Some(OnUpgrade::RestartTerm), lang) => lang
            .pick("the term begins anew", "合同期限重新开始")
            .to_owned(),
        (GenerationStep::Upgraded, _, lang) => {
            lang.pick("the term goes on", "合同期限不变").to_owned()
        }
    };
    let comma = lang.pick("; ", "；");
    format!("{step} {name} #{leaf}{colon}{from}{comma}{follows}")
}

/// For a terminal: a log of others can have anything in it.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect()
}
