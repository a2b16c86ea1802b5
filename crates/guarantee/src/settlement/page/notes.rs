//! What has to be known beside the numbers.

use std::fmt::Write as _;

use super::super::Settlement;
use super::super::text::{condition, generation};
use crate::html::escape;
use crate::offer::Lang;
use crate::words;

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
        let class = words::class(e.class, lang);
        notes.push(format!("{class}{leaf} {start} – {end}: {said}"));
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
                words::module(line.module, lang),
                line.region,
                silent.start,
                silent.end,
                lang.pick("no data, counts as down", "无数据,按停机计")
            ));
        }
        if line.more_silent > 0 {
            notes.push(format!(
                "{} {}: … +{}",
                words::module(line.module, lang),
                line.region,
                line.more_silent
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
