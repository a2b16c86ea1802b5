//! What is said, in English and Chinese.

use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::support::Role;
use surecast_guarantee::incident::output::{Audience, Reason};
use surecast_guarantee::module::Module;
use surecast_guarantee::severity::Severity;

/// One language's words.
pub(super) struct Words {
    /// Its tag.
    pub tag: &'static str,
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
    modules: [&'static str; 7],
    severities: [&'static str; 4],
    clocks: [&'static str; 3],
    roles: [&'static str; 3],
    audiences: [&'static str; 2],
    /// Opened, as an incident and as a ticket, rose, fell, updated, mitigated,
    /// recurred, resolved, escalated.
    headlines: [&'static str; 9],
    states: [(&'static str, &'static str); 9],
}

impl Words {
    pub fn module(&self, module: Module) -> &'static str {
        let place = Module::ALL.iter().position(|m| *m == module);
        self.modules[place.unwrap_or_default()]
    }

    pub const fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::S1 => self.severities[0],
            Severity::S2 => self.severities[1],
            Severity::S3 => self.severities[2],
            Severity::S4 => self.severities[3],
        }
    }

    pub const fn clock(&self, clock: ClockKind) -> &'static str {
        match clock {
            ClockKind::FirstResponse => self.clocks[0],
            ClockKind::NextUpdate => self.clocks[1],
            ClockKind::Restoration => self.clocks[2],
        }
    }

    pub const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Lead => self.roles[0],
            Role::AccountManager => self.roles[1],
            Role::Expert => self.roles[2],
        }
    }

    pub const fn audience(&self, audience: Audience) -> &'static str {
        match audience {
            Audience::Desk => self.audiences[0],
            Audience::Customer => self.audiences[1],
            Audience::Escalation(role) => self.role(role),
        }
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
        let known = self.states.iter().find(|(known, _)| *known == name);
        known.map_or(name, |(_, word)| word)
    }
}

pub(super) const ENGLISH: Words = Words {
    tag: "en",
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
    modules: [
        "joining",
        "signalling",
        "audio and video",
        "messages",
        "playback",
        "recording",
        "agents",
    ],
    severities: [
        "S1: largely down",
        "S2: many notice",
        "S3: some notice",
        "S4: hardly anybody notices",
    ],
    clocks: ["First response", "Next update", "Restoration"],
    roles: ["shift lead", "account manager", "expert"],
    audiences: ["service desk", "customer"],
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
    states: [
        ("detected", "detected"),
        ("acknowledged", "acknowledged"),
        ("mitigated", "mitigated"),
        ("resolved", "resolved"),
        ("reviewed", "reviewed"),
        ("new", "new"),
        ("open", "open"),
        ("waiting_customer", "waiting for the customer"),
        ("closed", "closed"),
    ],
};

pub(super) const CHINESE: Words = Words {
    tag: "zh",
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
    modules: [
        "加入房间",
        "信令",
        "音视频",
        "消息",
        "播放",
        "录制",
        "智能体",
    ],
    severities: [
        "S1：大面积不可用",
        "S2：许多用户受影响",
        "S3：部分用户受影响",
        "S4：几乎无感知",
    ],
    clocks: ["首次响应", "下次更新", "恢复服务"],
    roles: ["值班主管", "客户经理", "专家"],
    audiences: ["服务台", "客户"],
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
    states: [
        ("detected", "已发现"),
        ("acknowledged", "已确认"),
        ("mitigated", "已缓解"),
        ("resolved", "已解决"),
        ("reviewed", "已复盘"),
        ("new", "新建"),
        ("open", "处理中"),
        ("waiting_customer", "等待客户"),
        ("closed", "已关闭"),
    ],
};
