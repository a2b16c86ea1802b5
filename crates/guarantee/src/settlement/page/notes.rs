//! What has to be known beside the numbers.

use std::fmt::Write as _;

use super::super::{ConditionLine, GenerationLine, GenerationStep, Settlement};
use crate::contract::policy::{Effect, OnUpgrade};
use crate::html::escape;
use crate::offer::Lang;

pub(super) fn notes(s: &Settlement, lang: Lang, out: &mut String) {
    let mut notes: Vec<String> = Vec::new();
    if let Some(reason) = &s.reason {
        notes.push(format!("{}: {reason}", lang.pick("reason", "原因")));
    }
    for e in &s.exclusions {
        let said = match &e.refused {
            Some(why) => format!("{}: {why}", lang.pick("does not count", "不计入")),
            None => format!("{} s {}", e.counted_s, lang.pick("taken out", "已排除")),
        };
        let leaf = e.leaf.map_or_else(String::new, |leaf| format!(" #{leaf}"));
        let (start, end) = (e.interval.start, e.interval.end);
        notes.push(format!("{:?}{leaf} {start} – {end}: {said}", e.class));
    }
    notes.extend(s.conditions.iter().map(|c| condition(c, lang)));
    notes.extend(s.generations.iter().map(|g| generation(g, lang)));
    if s.suspended_s > 0 {
        notes.push(match lang {
            Lang::En => format!("{} s pay no credits", s.suspended_s),
            Lang::Zh => format!("{} 秒暂停赔付", s.suspended_s),
        });
    }
    for line in &s.lines {
        for silent in &line.silent {
            notes.push(format!(
                "{} {}: {} – {}: {}",
                line.module,
                line.region,
                silent.start,
                silent.end,
                lang.pick("no data, counts as down", "无数据,按停机计")
            ));
        }
        if line.more_silent > 0 {
            notes.push(format!(
                "{} {}: … +{}",
                line.module, line.region, line.more_silent
            ));
        }
    }
    let twice = lang.pick("said twice, the worse counts", "数据矛盾,取较差者");
    let twice = s.contradictions.iter().map(|c| format!("{twice}: {c}"));
    notes.extend(twice);
    let more = s.more_exclusions + s.more_breaches + s.more_contradictions;
    if more > 0 {
        notes.push(format!("… +{more}"));
    }
    if !notes.is_empty() {
        out.push_str("<section><ul>\n");
        for note in notes {
            let _ = writeln!(out, "<li>{}</li>", escape(&note));
        }
        out.push_str("</ul></section>\n");
    }
    out.push_str("</main>\n");
}

/// A condition in a sentence.
fn condition(c: &ConditionLine, lang: Lang) -> String {
    let requires = match c.requires.as_str() {
        "min_spend" => lang.pick("minimum spend", "最低消费"),
        "frozen_config" => lang.pick("frozen settings", "冻结配置"),
        "declared_peak" => lang.pick("declared peak", "申报峰值"),
        other => other,
    };
    let effect = match c.effect {
        Effect::Notify => lang.pick("noted only", "仅告知"),
        Effect::Exclude => lang.pick("the time is excluded", "相应时间不计入"),
        Effect::SuspendCredits => lang.pick("credits are suspended", "暂停赔付"),
    };
    let cured = match (c.cured, lang) {
        (Some(at), Lang::En) => format!("cured {at}"),
        (Some(at), Lang::Zh) => format!("已于 {at} 整改"),
        (None, Lang::En) => "not cured".to_owned(),
        (None, Lang::Zh) => "未整改".to_owned(),
    };
    let modules: Vec<&str> = c.modules.iter().map(|m| m.name()).collect();
    let modules = match modules.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    match lang {
        Lang::En => format!(
            "condition {requires}{modules}: notice {} #{}, to be cured until {}, {cured}; \
             not kept after that for {} s: {effect}",
            c.notice, c.leaf, c.cure_until, c.lapsed_s
        ),
        Lang::Zh => format!(
            "条件 {requires}{modules}:{} 通知 #{},整改期至 {},{cured};此后未遵守 {} 秒:{effect}",
            c.notice, c.leaf, c.cure_until, c.lapsed_s
        ),
    }
}

/// What became of a generation, in a sentence.
fn generation(g: &GenerationLine, lang: Lang) -> String {
    let (name, leaf) = (&g.generation, g.leaf);
    let step = match g.step {
        GenerationStep::Upgraded => lang.pick("upgrade to generation", "升级到产品代"),
        GenerationStep::SupportEnded => lang.pick("end of support of generation", "停止支持产品代"),
    };
    let colon = lang.pick(": ", ":");
    if let Some(why) = &g.refused {
        let none = lang.pick("no effect", "无效");
        return format!("{step} {name} #{leaf}{colon}{none}{colon}{why}");
    }
    let from = g.from.map_or_else(String::new, |from| from.to_string());
    let (from, follows) = match (lang, g.step) {
        (Lang::En, GenerationStep::SupportEnded) => (
            format!("from {from} on"),
            format!("late clocks pay nothing for {} s", g.unsupported_s),
        ),
        (Lang::Zh, GenerationStep::SupportEnded) => (
            format!("自 {from} 起"),
            format!("有 {} 秒超时不予赔付", g.unsupported_s),
        ),
        (lang, GenerationStep::Upgraded) => {
            let term = match g.on_upgrade {
                Some(OnUpgrade::RestartTerm) => {
                    lang.pick("the term begins anew", "合同期限重新开始")
                }
                _ => lang.pick("the term goes on", "合同期限不变"),
            };
            let from = match lang {
                Lang::En => format!("from {from} on"),
                Lang::Zh => format!("自 {from} 起"),
            };
            (from, term.to_owned())
        }
    };
    format!(
        "{step} {name} #{leaf}{colon}{from}{}{follows}",
        lang.pick("; ", ";")
    )
}
