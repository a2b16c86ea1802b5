//! What is said, in English and Chinese.

use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::incident::output::{Audience, Reason};
use surecast_guarantee::module::Module;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::severity::Severity;
use surecast_guarantee::words;

/// One language's words.
pub(super) struct Words {
    /// Its tag.
    pub tag: &'static str,
    /// For the table of names that everything uses.
    lang: Lang,
    pub what: &'static str,
    pub place: &'static str,
    pub severity: &'static str,
    pub state: &'static str,
    pub since: &'static str,
    pub said: &'static str,
    pub called: &'static str,
    pub page: &'static str,
    pub reply: &'static str,
    pub runs_out: &'static str,
    pub ran_out: &'static str,
    pub waits: &'static str,
    pub used: &'static str,
    pub incident: &'static str,
    pub ticket: &'static str,
    pub anything: &'static str,
    /// Between the names of a list.
    pub comma: &'static str,
    /// Between a label and its value.
    pub colon: &'static str,
    /// Opened, as an incident and as a ticket, rose, fell, updated, mitigated,
    /// recurred, resolved, escalated.
    headlines: [&'static str; 9],
}

impl Words {
    pub const fn module(&self, module: Module) -> &'static str {
        words::module(module, self.lang)
    }

    pub const fn severity(&self, severity: Severity) -> &'static str {
        words::severity(severity, self.lang)
    }

    pub const fn clock(&self, clock: ClockKind) -> &'static str {
        words::clock(clock, self.lang)
    }

    pub const fn audience(&self, audience: Audience) -> &'static str {
        words::audience(audience, self.lang)
    }

    pub const fn headline(&self, reason: &Reason, ticket: bool) -> &'static str {
        let place = match reason {
            Reason::Opened if ticket => 1,
            Reason::Opened => 0,
            Reason::SeverityRose => 2,
            Reason::SeverityFell => 3,
            Reason::Updated { .. } => 4,
            Reason::Mitigated => 5,
            Reason::Recurred => 6,
            Reason::Resolved => 7,
            Reason::Escalated { .. } => 8,
        };
        self.headlines[place]
    }

    /// A state that this version does not know is shown as it is.
    pub fn state<'a>(&self, name: &'a str) -> &'a str {
        words::state(name, self.lang)
    }
}

pub(super) const ENGLISH: Words = Words {
    tag: "en",
    lang: Lang::En,
    what: "What",
    place: "Where",
    severity: "Severity",
    state: "State",
    since: "Since",
    said: "Said",
    called: "Called",
    page: "Page",
    reply: "Answer this mail to write into the ticket; leave the number in the subject.",
    runs_out: "runs out",
    ran_out: "ran out",
    waits: "stands still while the customer is waited for",
    used: "used up",
    incident: "incident",
    ticket: "ticket",
    anything: "not said",
    comma: ", ",
    colon: ": ",
    headlines: [
        "An incident was detected",
        "A ticket was opened",
        "It is worse than it was",
        "It is better than it was",
        "There is news",
        "It measures clear",
        "It measures bad again",
        "It is over",
        "A clock is running out",
    ],
};

pub(super) const CHINESE: Words = Words {
    tag: "zh",
    lang: Lang::Zh,
    what: "对象",
    place: "区域",
    severity: "严重级别",
    state: "状态",
    since: "开始时间",
    said: "说明",
    called: "已通知",
    page: "页面",
    reply: "直接回复本邮件即可写入工单；请保留主题中的编号。",
    runs_out: "到期",
    ran_out: "已超时",
    waits: "等待客户期间暂停计时",
    used: "已用",
    incident: "事件",
    ticket: "工单",
    anything: "未说明",
    comma: "、",
    colon: "：",
    headlines: [
        "发现一起事件",
        "有新工单",
        "严重级别上升",
        "严重级别下降",
        "有新进展",
        "测量已恢复正常",
        "测量再次异常",
        "事件已结束",
        "计时即将到期",
    ],
};
