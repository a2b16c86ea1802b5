//! The status page's words in English and Chinese.

use surecast_guarantee::incident::State;
use surecast_guarantee::module::Module;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::words;

use crate::guarantee::Shown;

/// What the page is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

pub(super) struct Words {
    pub tag: &'static str,
    /// For the table of names that everything uses.
    lang: Lang,
    pub title: &'static str,
    pub day: &'static str,
    pub contract: &'static str,
    pub target: &'static str,
    pub burning: &'static str,
    pub nothing: &'static str,
    pub size: &'static str,
    pub key: &'static str,
    pub verify_title: &'static str,
    pub verify: &'static str,
    pub measured: &'static str,
    /// Link to the page in the other language.
    pub other: &'static str,
    pub incidents: &'static str,
    pub maintenance: &'static str,
    pub everything: &'static str,
    pub since: &'static str,
    /// Good, bad, no data, idle, unknown, maintenance.
    states: [&'static str; 6],
    overall: [&'static str; 6],
}

impl Language {
    /// `?lang=` decides, then the first of the two that the browser names.
    pub fn choose(query: Option<&str>, accepted: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut asked = pairs.filter(|(name, _)| name == "lang");
        let asked = asked.find_map(|(_, value)| Self::of(&value));
        let mut browser = accepted.unwrap_or_default().split(',');
        asked
            .or_else(|| browser.find_map(|tag| Self::of(tag.trim())))
            .unwrap_or(Self::English)
    }

    fn of(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', ';', '_']).next()?;
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    pub const fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

impl Words {
    pub const fn state(&self, state: Shown) -> &'static str {
        self.states[place(state)]
    }

    pub const fn overall(&self, state: Shown) -> &'static str {
        self.overall[place(state)]
    }

    pub const fn incident(&self, state: State) -> &'static str {
        words::incident(state, self.lang)
    }

    pub const fn module(&self, module: Module) -> &'static str {
        words::module(module, self.lang)
    }
}

const fn place(state: Shown) -> usize {
    match state {
        Shown::Good => 0,
        Shown::Bad => 1,
        Shown::NoData => 2,
        Shown::Idle => 3,
        Shown::Unknown => 4,
        Shown::Maintenance => 5,
    }
}

static ENGLISH: Words = Words {
    tag: "en",
    lang: Lang::En,
    title: "Service status",
    day: "Today (UTC), of session time",
    contract: "Contract",
    target: "target",
    burning: " · budget burns too fast",
    nothing: "nothing measured",
    size: "Leaves in the log",
    key: "Public key of the log",
    verify_title: "Check it yourself",
    verify: "Every minute above is an entry of a public, append-only log. \
             With the program and the address of this server anybody can check that nothing was changed:",
    measured: "A minute is up when at least 95 % of its session time was. Missing data counts as down. \
               The first minute and the last one of a run are not seen whole: they have no data. \
               A minute appears about 15 seconds after its end.",
    other: r#"<a href="?lang=zh" lang="zh" hreflang="zh">中文</a>"#,
    incidents: "Open incidents",
    maintenance: "Declared maintenance",
    everything: "Everything",
    since: "since",
    states: [
        "up",
        "down",
        "no data",
        "no sessions",
        "not in the log",
        "maintenance",
    ],
    overall: [
        "All measured parts work",
        "A part of the service is disturbed",
        "The last minute has no data",
        "Works; nobody is connected",
        "No minute is in the log yet",
        "Declared maintenance is under way",
    ],
};

static CHINESE: Words = Words {
    tag: "zh",
    lang: Lang::Zh,
    title: "服务状态",
    day: "今日(UTC),按会话时长",
    contract: "合同",
    target: "目标",
    burning: " · 余量消耗过快",
    nothing: "尚无数据",
    size: "日志条目数",
    key: "日志公钥",
    verify_title: "自行核验",
    verify: "上面的每一分钟都是一份公开、只可追加的日志中的一条。任何人都可以用本程序和本服务器的地址核验内容未被改动:",
    measured: "一分钟内至少 95 % 的会话时长正常,即为正常。缺失的数据按故障计。\
               每次运行的第一分钟和最后一分钟不完整,记为无数据。每分钟结束约 15 秒后显示。",
    other: r#"<a href="?lang=en" lang="en" hreflang="en">English</a>"#,
    incidents: "未结束的事件",
    maintenance: "已公告的维护",
    everything: "全部服务",
    since: "始于",
    states: ["正常", "故障", "无数据", "无会话", "尚未入日志", "维护"],
    overall: [
        "各项服务正常",
        "部分服务异常",
        "最近一分钟无数据",
        "服务正常,当前无人连接",
        "日志中尚无记录",
        "正在进行已公告的维护",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_comes_before_the_browser() {
        use Language::{Chinese, English};
        for (query, accepted, expected) in [
            (None, None, English),
            (None, Some("zh-CN,zh;q=0.9,en;q=0.8"), Chinese),
            (None, Some("de, en;q=0.5, zh;q=0.1"), English),
            (Some("lang=zh"), Some("en"), Chinese),
            (Some("lang=xx"), Some("zh"), Chinese),
            (Some("lang=en"), Some("zh"), English),
        ] {
            let found = Language::choose(query, accepted);
            assert_eq!(found, expected, "{query:?} {accepted:?}");
        }
    }
}
