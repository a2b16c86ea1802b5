//! The one table of names that people read: modules, severities, states, clocks,
//! roles, and why something was refused, in English and 中文.
//!
//! Statements (page, text and PDF), the status page, mails and the answers of the
//! API take them from here, so that one thing has one name.

use crate::clock::ClockKind;
use crate::contract::policy::Effect;
use crate::contract::support::Role;
use crate::exclusion::{ExclusionClass, Invalid};
use crate::incident::output::Audience;
use crate::incident::{MAX_MAINTENANCE, NotTaken, Refused, State as IncidentState};
use crate::module::Module;
use crate::offer::Lang;
use crate::rollup::experience::Indicator;
use crate::settlement::{BreachedClock, Status, Step};
use crate::severity::Severity;

/// A part of the service.
#[must_use]
pub const fn module(module: Module, lang: Lang) -> &'static str {
    match module {
        Module::Join => lang.pick("Joining", "加入房间"),
        Module::Signalling => lang.pick("Signalling", "信令"),
        Module::Media => lang.pick("Audio and video", "音视频"),
        Module::Messaging => lang.pick("Messages", "消息"),
        Module::Playback => lang.pick("Playback", "播放"),
        Module::Recording => lang.pick("Recording", "录制"),
        Module::Agent => lang.pick("Agents", "智能体"),
    }
}

/// How bad it is, with what that means.
#[must_use]
pub const fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::S1 => lang.pick("S1: largely down", "S1：大面积不可用"),
        Severity::S2 => lang.pick("S2: many notice", "S2：许多用户受影响"),
        Severity::S3 => lang.pick("S3: some notice", "S3：部分用户受影响"),
        Severity::S4 => lang.pick("S4: hardly anybody notices", "S4：几乎无感知"),
    }
}

/// Where an incident stands.
#[must_use]
pub const fn incident(state: IncidentState, lang: Lang) -> &'static str {
    match state {
        IncidentState::Detected => lang.pick("detected", "已发现"),
        IncidentState::Acknowledged => lang.pick("acknowledged, being worked on", "已确认，处理中"),
        IncidentState::Mitigated => lang.pick("mitigated, being watched", "已缓解，观察中"),
        IncidentState::Resolved => lang.pick("resolved", "已解决"),
        IncidentState::Reviewed => lang.pick("reviewed", "已复盘"),
    }
}

/// Where an incident or a ticket stands, by its name in the log; one that this
/// version does not know is shown as it is.
#[must_use]
pub fn state(name: &str, lang: Lang) -> &str {
    match name {
        "detected" => incident(IncidentState::Detected, lang),
        "acknowledged" => incident(IncidentState::Acknowledged, lang),
        "mitigated" => incident(IncidentState::Mitigated, lang),
        "resolved" => incident(IncidentState::Resolved, lang),
        "reviewed" => incident(IncidentState::Reviewed, lang),
        "new" => lang.pick("new", "新建"),
        "open" => lang.pick("open", "处理中"),
        "waiting_customer" => lang.pick("waiting for the customer", "等待客户"),
        "closed" => lang.pick("closed", "已关闭"),
        other => other,
    }
}

/// Where a statement stands.
#[must_use]
pub const fn status(status: Status, lang: Lang) -> &'static str {
    match status {
        Status::Provisional => lang.pick("provisional", "暂定"),
        Status::Final => lang.pick("final", "最终"),
        Status::Credited => lang.pick("credited", "已赔付"),
        Status::Disputed => lang.pick("disputed", "有异议"),
        Status::Recomputed => lang.pick("recomputed", "已重算"),
    }
}

/// What led to an entry.
#[must_use]
pub const fn step(step: Step, lang: Lang) -> &'static str {
    match step {
        Step::Settle => lang.pick("settled", "结算"),
        Step::Correct => lang.pick("computed again", "重新计算"),
        Step::Finalise => lang.pick("made final", "确认为最终"),
        Step::Credit => lang.pick("credit given", "赔付"),
        Step::Dispute => lang.pick("disputed", "提出异议"),
    }
}

/// A clock of support.
#[must_use]
pub const fn clock(clock: ClockKind, lang: Lang) -> &'static str {
    match clock {
        ClockKind::FirstResponse => lang.pick("First response", "首次响应"),
        ClockKind::NextUpdate => lang.pick("Next update", "下次更新"),
        ClockKind::Restoration => lang.pick("Restoration", "恢复服务"),
    }
}

/// A clock whose breach is worth something.
#[must_use]
pub const fn breached(clock: BreachedClock, lang: Lang) -> &'static str {
    match clock {
        BreachedClock::Response => self::clock(ClockKind::FirstResponse, lang),
        BreachedClock::Restoration => self::clock(ClockKind::Restoration, lang),
    }
}

/// Who can be called.
#[must_use]
pub const fn role(role: Role, lang: Lang) -> &'static str {
    match role {
        Role::Lead => lang.pick("shift lead", "值班主管"),
        Role::AccountManager => lang.pick("account manager", "客户经理"),
        Role::Expert => lang.pick("expert", "专家"),
    }
}

/// Whom a notice is for.
#[must_use]
pub const fn audience(audience: Audience, lang: Lang) -> &'static str {
    match audience {
        Audience::Desk => lang.pick("service desk", "服务台"),
        Audience::Customer => lang.pick("customer", "客户"),
        Audience::Escalation(to) => role(to, lang),
    }
}

/// Why time does not count.
#[must_use]
pub const fn class(class: ExclusionClass, lang: Lang) -> &'static str {
    match class {
        ExclusionClass::Maintenance => lang.pick("maintenance", "维护"),
        ExclusionClass::ConfigurationDrift => lang.pick("configuration drift", "配置偏离"),
        ExclusionClass::AbovePeak => lang.pick("above the declared peak", "超出申报峰值"),
        ExclusionClass::MinimumSpend => lang.pick("minimum spend", "未达最低消费"),
        ExclusionClass::ForceMajeure => lang.pick("force majeure", "不可抗力"),
    }
}

/// What a condition asks for, by its name in contracts.
#[must_use]
pub fn requirement(name: &str, lang: Lang) -> &str {
    match name {
        "min_spend" => lang.pick("minimum spend", "最低消费"),
        "frozen_config" => lang.pick("frozen settings", "冻结配置"),
        "declared_peak" => lang.pick("declared peak", "申报峰值"),
        other => other,
    }
}

/// What follows from a condition.
#[must_use]
pub const fn effect(effect: Effect, lang: Lang) -> &'static str {
    match effect {
        Effect::Notify => lang.pick("noted only", "仅告知"),
        Effect::Exclude => lang.pick("the time is excluded", "相应时间不计入"),
        Effect::SuspendCredits => lang.pick("credits are suspended", "暂停赔付"),
    }
}

/// What users experience.
#[must_use]
pub const fn indicator(indicator: Indicator, lang: Lang) -> &'static str {
    match indicator {
        Indicator::Join => lang.pick("Join", "加入成功率"),
        Indicator::Audio => lang.pick("Audio", "音频流畅"),
        Indicator::Video => lang.pick("Video", "视频流畅"),
        Indicator::Delay => lang.pick("Delay", "延迟达标"),
    }
}

/// Why an engine refused.
#[must_use]
pub fn refused(why: &Refused, lang: Lang) -> String {
    if lang == Lang::En {
        return why.to_string();
    }
    match why {
        Refused::Unknown { what, id } => format!("没有编号为 {id} 的{}", thing(what)),
        Refused::NotCovered { module, region } => {
            format!("合同未覆盖 {region} 的 {module}")
        }
        Refused::State { state } => {
            format!("与当前状态不符：现为“{}”", self::state(state, lang))
        }
        Refused::NotYours { who, instead } => {
            format!("{}不能执行此操作：{}", part(who), in_place(instead))
        }
        Refused::NotClear {
            clear_minutes,
            needed_minutes,
        } => format!("测量正常仅 {clear_minutes} 分钟，需要 {needed_minutes} 分钟"),
        Refused::NotLower { is } => format!("级别已是 {is:?}；更低的级别数字更大"),
        Refused::ByEvidence { is } => format!("级别 {is:?} 由证据决定，标记不能改变它"),
        Refused::IncidentOpen { incident } => {
            format!("事件 {incident} 尚未结束：请先解决它")
        }
        Refused::TooLong { what, most } => format!("{}过长：最多 {most} 字节", thing(what)),
        Refused::Full { what, most } => format!("已有 {most} 个{}，这是上限", thing(what)),
    }
}

/// What an engine names; what is not known here is left as it is.
fn thing(name: &str) -> &str {
    match name {
        "incident" | "incidents" => "事件",
        "ticket" | "tickets" => "工单",
        "text" | "the text" => "内容",
        "the subject" | "subject" => "主题",
        "the name" => "姓名",
        "the query" => "查询",
        other => other,
    }
}

/// Who acts.
fn part(name: &str) -> &str {
    match name {
        "customer" => "客户",
        "agent" => "客服",
        "lead" => "值班主管",
        "manager" => "客户经理",
        "expert" => "专家",
        "system" => "系统",
        other => other,
    }
}

/// Who does it instead.
fn in_place(instead: &str) -> &str {
    match instead {
        "the lead, the manager or an expert does" => "应由值班主管、客户经理或专家执行",
        "a human of the provider does" => "应由服务方人员执行",
        "the customer agrees or an expert countersigns" => "须由客户同意或专家会签",
        "a person registers a show" => "演出须由人员登记",
        other => other,
    }
}

/// Why declared time does not count.
#[must_use]
pub fn invalid(why: &Invalid, lang: Lang) -> String {
    if lang == Lang::En {
        return why.to_string();
    }
    match why {
        Invalid::ClassNotAllowed(kind) => format!("合同不允许排除“{}”", class(*kind, lang)),
        Invalid::ShortNotice { given_s, needed_s } => {
            format!("开始前 {given_s} 秒才申报，需要提前 {needed_s} 秒")
        }
        Invalid::NotLogged => "未记入日志：排除自其日志条目起生效".to_owned(),
        Invalid::Empty => "时段为空".to_owned(),
        Invalid::CapUsed { cap_s } => format!("本期该类别的 {cap_s} 秒上限已用完"),
        Invalid::NotFromCondition(kind) => format!(
            "“{}”不能申报：它只能由合同条件未被遵守并经通知而产生",
            class(*kind, lang)
        ),
        Invalid::OutsidePeriod => "不在本结算周期内".to_owned(),
    }
}

/// Why maintenance is not taken.
#[must_use]
pub fn not_taken(why: &NotTaken, lang: Lang) -> String {
    match (why, lang) {
        (NotTaken::Invalid(why), lang) => invalid(why, lang),
        (why, Lang::En) => why.to_string(),
        (NotTaken::Full, Lang::Zh) => {
            format!("已申报 {MAX_MAINTENANCE} 段维护，这是上限")
        }
        (NotTaken::Others, Lang::Zh) => "它只涉及其他合同".to_owned(),
        (NotTaken::Class, Lang::Zh) => "只能预先申报维护".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is empty, and nothing is left in English.
    #[test]
    fn every_name_is_there_in_both_languages() {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut pair = |name: &dyn Fn(Lang) -> String| {
            pairs.push((name(Lang::En), name(Lang::Zh)));
        };
        for m in Module::ALL {
            pair(&|lang| module(m, lang).to_owned());
        }
        for s in [Severity::S1, Severity::S2, Severity::S3, Severity::S4] {
            pair(&|lang| severity(s, lang).to_owned());
            pair(&|lang| refused(&Refused::ByEvidence { is: s }, lang));
        }
        for name in [
            "detected",
            "acknowledged",
            "mitigated",
            "resolved",
            "reviewed",
            "new",
            "open",
            "waiting_customer",
            "closed",
        ] {
            pair(&|lang| state(name, lang).to_owned());
        }
        for name in ["min_spend", "frozen_config", "declared_peak"] {
            pair(&|lang| requirement(name, lang).to_owned());
        }
        for i in Indicator::ALL {
            pair(&|lang| indicator(i, lang).to_owned());
        }
        let short = Invalid::ShortNotice {
            given_s: 10,
            needed_s: 60,
        };
        pair(&|lang| invalid(&short, lang));
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (en, zh) in pairs {
            assert!(!en.is_empty() && !han(&en), "{en}");
            assert!(han(&zh), "{en}: {zh}");
        }
        assert_eq!(state("frozen", Lang::Zh), "frozen");
    }

    /// The console has its words in TypeScript: those of modules are these.
    #[test]
    fn the_console_calls_modules_by_the_same_names() {
        let root = env!("CARGO_MANIFEST_DIR");
        let file = format!("{root}/../../web/src/i18n/guarantee.zh.ts");
        let console = std::fs::read_to_string(file).expect("the console's words");
        for m in Module::ALL {
            let entry = format!("'g.module.{}': '{}'", m.name(), module(m, Lang::Zh));
            assert!(console.contains(&entry), "{entry}");
        }
    }
}
