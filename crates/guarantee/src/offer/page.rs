//! A comparison as one self-contained page: no script, no request, light and
//! dark, for a phone and for paper.

use std::fmt::Write as _;

use super::compare::{Comparison, Row};
use super::plot::{self, LINES};
use super::quantity::grouped;
use super::report::{asked, assumed, basis, graded, labels, sensitivity_title, share};
use super::sensitivity::Change;
use super::words::Lang;
use crate::html::escape;

const STYLE: &str = include_str!("../../offers/page.css");

/// The whole document.
#[must_use]
pub fn page(c: &Comparison, lang: Lang) -> String {
    let title = format!("{} – {}", lang.pick("Offers compared", "方案对比"), c.need);
    let title = escape(&title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        lang.tag()
    );
    header(c, lang, &mut out);
    plots(c, lang, &mut out);
    table(c, lang, &mut out);
    promises(c, lang, &mut out);
    questions(c, lang, &mut out);
    silent(c, lang, &mut out);
    footer(c, lang, &mut out);
    out.push_str("</body>\n</html>\n");
    out
}

fn header(c: &Comparison, lang: Lang, out: &mut String) {
    let _ = write!(
        out,
        "<header>\n<p class=\"kicker\">{}</p>\n<h1>{}</h1>\n<div class=\"facts\">\n",
        lang.pick("Offers compared", "方案对比"),
        escape(&c.need)
    );
    let s = &c.sensitivity;
    let base = s
        .steps
        .first()
        .map(|step| step.uncovered)
        .unwrap_or_default();
    let window = s
        .steps
        .iter()
        .find(|step| step.change == Change::RestoredWithin(30));
    let saved = window.map(|step| step.saved).unwrap_or_default();
    let facts = [
        (
            format!("{} {}", grouped(s.loss, 0), escape(&c.currency)),
            lang.pick("expected loss by outages, per month", "每月预期故障损失"),
            "",
        ),
        (
            share(s.loss - base, s.loss),
            lang.pick(
                "of it comes back by credits on published terms",
                "可按公开条款通过赔付收回",
            ),
            "paper",
        ),
        (
            share(saved, s.loss),
            lang.pick(
                "of it is never lost if service is back within 30 minutes",
                "若 30 分钟内恢复服务,则可完全避免",
            ),
            "service",
        ),
    ];
    for (value, label, class) in facts {
        let _ = writeln!(
            out,
            "<div class=\"fact {class}\"><strong>{value}</strong><span>{label}</span></div>"
        );
    }
    out.push_str("</div>\n</header>\n<main>\n");
}

fn plots(c: &Comparison, lang: Lang, out: &mut String) {
    let key = |class: &str, text: &str| format!("<li><i class=\"{class}\"></i>{text}</li>");
    let months = match lang {
        Lang::En => format!("Cost over {} months, {}", c.term_months, c.currency),
        Lang::Zh => format!("{} 个月总成本,{}", c.term_months, c.currency),
    };
    let total = [
        key("fee", lang.pick("fees", "费用")),
        key("left", lang.pick("uncovered loss", "未覆盖损失")),
        key("got", lang.pick("credits collected", "实得赔付")),
    ];
    let kinds = [
        key("paper", lang.pick("credits and term", "赔付与合同期")),
        key(
            "service",
            lang.pick("restoration and architecture", "恢复与架构"),
        ),
    ];
    let lines = plot::curves(c)
        .into_iter()
        .enumerate()
        .map(|(i, (names, _))| {
            let names = escape(&names.join(lang.pick(", ", "、")));
            key(&format!("c{}", i.min(LINES - 1)), &names)
        });
    let curve = lang.pick("How bad a month can get", "单月损失可能有多严重");
    let share_note = lang.pick(
        "share of the expected loss saved",
        "减少的损失占预期损失的比例",
    );
    let restored = match lang {
        Lang::En => format!("any, if restored within {} min", c.restored.minutes),
        Lang::Zh => format!("任一方案,若 {} 分钟内恢复", c.restored.minutes),
    };
    let lines = lines.chain([key("restored", &restored)]);
    out.push_str("<section class=\"plots\">\n");
    figure(
        out,
        sensitivity_title(lang),
        share_note,
        &kinds.concat(),
        &plot::steps(c, lang),
    );
    figure(
        out,
        &months,
        lang.pick("lowest total first", "总成本由低到高"),
        &total.concat(),
        &plot::totals(c, lang),
    );
    figure(
        out,
        curve,
        lang.pick(
            "Share of simulated months that leave more than this with you. Where lines lie on each other, credits change nothing.",
            "未覆盖损失超过该金额的月份占比(模拟)。曲线重合之处,赔付没有任何作用。",
        ),
        &lines.collect::<String>(),
        &plot::exceedance(c, lang),
    );
    out.push_str("</section>\n");
}

fn figure(out: &mut String, title: &str, note: &str, keys: &str, svg: &str) {
    let _ = writeln!(
        out,
        "<figure><figcaption><h2>{}</h2><p>{note}</p><ul class=\"keys\">{keys}</ul></figcaption>{svg}</figure>",
        escape(title)
    );
}

fn table(c: &Comparison, lang: Lang, out: &mut String) {
    let head = [
        lang.pick("Offer", "方案"),
        lang.pick("Evidence", "证据"),
        lang.pick("Target", "目标"),
        lang.pick("Fee", "月费"),
        lang.pick("Loss", "损失"),
        lang.pick("Credit by the text", "名义赔付"),
        lang.pick("Collected", "实得赔付"),
        lang.pick("Uncovered", "未覆盖"),
        lang.pick("Total of the term", "期内总成本"),
        lang.pick("Breach in a month", "单月违约率"),
        lang.pick("Breach in the term", "期内违约率"),
        lang.pick("Outage beyond tolerance", "超出承受限度"),
        lang.pick("Loss p50", "损失 p50"),
        lang.pick("Loss p95", "损失 p95"),
        lang.pick("Loss p99", "损失 p99"),
    ];
    let _ = write!(
        out,
        "<section>\n<h2>{}</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>",
        lang.pick("The numbers, per month", "各项数据(每月)")
    );
    for cell in head {
        let _ = write!(out, "<th scope=\"col\">{cell}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &c.rows {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(&row.name));
        for cell in cells(row, lang) {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    let note = lang.pick(
        "* assumed by the need: no price is known. ± is the standard error of the simulation; values without it are closed forms.",
        "* 需求中的假定费用:价格未知。± 为模拟的标准误;未标 ± 的为解析结果。",
    );
    let _ = writeln!(
        out,
        "</tbody></table></div>\n<p class=\"note\">{note}</p>\n</section>"
    );
}

fn cells(row: &Row, lang: Lang) -> Vec<String> {
    use super::advise::percent_text;
    use super::compare::Estimate;
    let money = |amount| grouped(amount, 0);
    let estimate = |e: Estimate| match e.closed_form {
        Some(closed) => money(closed),
        None => format!(
            "{} <small>± {}</small>",
            money(e.simulated),
            money(e.standard_error)
        ),
    };
    let chance = |e: Option<Estimate>| {
        e.map_or_else(
            || missing(lang.pick("not promised", "未承诺")),
            |e| percent_text(e.best()),
        )
    };
    let grade = format!("<b class=\"grade g{}\">{}</b>", row.grade, graded(row));
    let star = if assumed(row) { "*" } else { "" };
    vec![
        grade.replace("g–", "gx"),
        row.target
            .map_or_else(|| missing(lang.none()), |t| t.to_string()),
        money(row.fee) + star,
        estimate(row.loss),
        row.credit.map_or_else(|| missing(lang.none()), estimate),
        estimate(row.collected),
        format!("<b>{}</b>", money(row.uncovered_best())),
        format!("<b>{}</b>", money(row.term_total)),
        chance(row.breach_month),
        chance(row.breach_term),
        percent_text(row.beyond_tolerance),
        money(row.loss_p50),
        money(row.loss_p95),
        money(row.loss_p99),
    ]
}

fn missing(text: &str) -> String {
    format!("<em>{text}</em>")
}

fn promises(c: &Comparison, lang: Lang, out: &mut String) {
    let _ = writeln!(
        out,
        "<section>\n<h2>{}</h2>\n<div class=\"cards\">",
        lang.pick("Not promised, or not found", "未承诺或未找到")
    );
    for row in &c.rows {
        let _ = write!(
            out,
            "<article><h3>{}</h3><ul class=\"chips\">",
            escape(&row.name)
        );
        for gap in &row.not_promised {
            let _ = write!(out, "<li>{}</li>", gap.label(lang));
        }
        let _ = write!(
            out,
            "</ul><details><summary>{}</summary><ul>",
            lang.pick("What the numbers rest on", "计算依据")
        );
        for assumption in &row.assumptions {
            let _ = write!(out, "<li>{}</li>", assumption.text(lang));
        }
        let source = row.source.as_deref().unwrap_or(lang.none());
        let note = row
            .grade_note
            .as_deref()
            .map_or(String::new(), |n| format!(" ({n})"));
        let _ = writeln!(
            out,
            "<li>{} {}{}: {}</li></ul></details></article>",
            lang.pick("evidence", "证据"),
            row.grade,
            escape(&note),
            escape(source)
        );
    }
    out.push_str("</div>\n</section>\n");
}

fn questions(c: &Comparison, lang: Lang, out: &mut String) {
    let _ = writeln!(
        out,
        "<section>\n<h2>{}</h2>\n<ol class=\"questions\">",
        lang.pick("Questions to ask", "应向厂商提出的问题")
    );
    for (gap, names) in asked(c) {
        let all = names.len() == c.rows.len() && names.len() > 1;
        let names = if all {
            lang.pick("all", "全部").to_owned()
        } else {
            escape(&names.join(lang.pick(", ", "、")))
        };
        let _ = writeln!(
            out,
            "<li>{} <small>{names}</small></li>",
            gap.question(lang)
        );
    }
    out.push_str("</ol>\n</section>\n");
}

fn silent(c: &Comparison, lang: Lang, out: &mut String) {
    if c.not_computed.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<section>\n<h2>{}</h2>\n<ul class=\"silent\">",
        lang.pick(
            "No promise of availability found, nothing to compute",
            "未找到可用率承诺,无法计算"
        )
    );
    for offer in &c.not_computed {
        let _ = writeln!(
            out,
            "<li><b>{}</b> <small>{} {}</small></li>",
            escape(&offer.name),
            lang.pick("missing:", "缺少:"),
            labels(&offer.not_promised, lang)
        );
    }
    out.push_str("</ul>\n</section>\n");
}

fn footer(c: &Comparison, lang: Lang, out: &mut String) {
    let legend = lang.pick(
        "Evidence: V read in the vendor's own text, S second-hand, M remembered, – nothing found; ? partial or marketing.",
        "证据等级:V 厂商原文,S 二手资料,M 记忆未核实,– 未找到;? 不完整或营销材料。",
    );
    let _ = writeln!(
        out,
        "</main>\n<footer><p>{}</p><p>{legend}</p><p>Surecast</p></footer>",
        escape(&basis(c, lang))
    );
}
