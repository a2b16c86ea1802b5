//! The words of reports, in English and Chinese.

use rust_decimal::Decimal;

use super::advise::{Level, Reason, Support, percent_text};
use super::compare::Assumption;
use super::quantity::grouped;
use super::sensitivity::Change;

/// A report's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 中文.
    Zh,
}

impl Lang {
    pub(crate) const fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// For `lang` attributes.
    pub(crate) const fn tag(self) -> &'static str {
        self.pick("en", "zh-CN")
    }

    pub(crate) fn minutes(self, minutes: u32) -> String {
        match (minutes, self) {
            (m, Self::En) if m >= 120 && m.is_multiple_of(60) => format!("{} h", m / 60),
            (m, Self::En) => format!("{m} min"),
            (m, Self::Zh) if m >= 120 && m.is_multiple_of(60) => format!("{} 小时", m / 60),
            (m, Self::Zh) => format!("{m} 分钟"),
        }
    }

    pub(crate) const fn none(self) -> &'static str {
        self.pick("not found", "未找到")
    }
}

impl Assumption {
    /// One sentence.
    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Fee => (
                "no price known: the need's assumed fee",
                "价格未知:采用需求中的假定费用",
            ),
            Self::NoCredits => ("no credits known: counted as none", "赔付未知:按无赔付计算"),
            Self::Counting => (
                "how downtime is counted was not found: every minute counts",
                "停机计量方式未找到:每分钟均计入",
            ),
            Self::AllIndicators => (
                "an outage misses all indicators: the most that the matrix pays",
                "故障时所有指标均未达标:按矩阵最高赔付计算",
            ),
            Self::PeakExcluded => (
                "outages at the buyer's peak do not count (surge exclusion)",
                "高峰时段故障不计入(突发流量除外条款)",
            ),
            Self::TooLate => (
                "the claim window is shorter than the buyer needs: nothing is collected",
                "申请期限短于客户所需时间:无法获得赔付",
            ),
            Self::OwnOutages => (
                "the offer's own history of outages",
                "采用该方案自身的故障记录",
            ),
            Self::RestorationAmount => (
                "late restoration is credited, the amount was not found: counted as none",
                "恢复超时可获赔付,金额未找到:按无赔付计算",
            ),
        };
        lang.pick(en, zh)
    }
}

impl Change {
    /// What was changed.
    pub(crate) fn text(self, lang: Lang) -> String {
        let (en, zh) = match self {
            Self::Base => (
                "Published terms: 99.9%, credits 10/25/100%, by claim",
                "公开条款:99.9%,赔付 10/25/100%,需申请",
            ),
            Self::LongerTerm => (
                "Term of 36 months instead of 12",
                "合同期 36 个月而非 12 个月",
            ),
            Self::Automatic => ("Credits without a claim", "免申请自动赔付"),
            Self::DoubleCredits => ("Twice the credits", "赔付加倍"),
            Self::WholeFee => (
                "The whole month's fee back for any miss",
                "任何未达标均返还当月全部费用",
            ),
            Self::OneRegion => (
                "Independent regions: one is hit at a time",
                "区域相互独立:每次只影响一个区域",
            ),
            Self::HalfOutages => ("Half as many outages", "故障次数减半"),
            Self::RestoredWithin(minutes) => {
                let time = lang.minutes(minutes);
                return match lang {
                    Lang::En => format!("Every outage restored within {time}"),
                    Lang::Zh => format!("每次故障均在 {time}内恢复"),
                };
            }
        };
        lang.pick(en, zh).to_owned()
    }

    /// Credits and terms are paper; restoration and architecture are service.
    pub(crate) const fn is_service(self) -> bool {
        matches!(
            self,
            Self::RestoredWithin(_) | Self::OneRegion | Self::HalfOutages
        )
    }
}

impl Level {
    /// The plan's name.
    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Entry => ("Entry", "入门版"),
            Self::Professional => ("Professional", "专业版"),
            Self::Radical => ("Radical", "彻底保障版"),
            Self::Custom => ("Custom, on radical terms", "定制版(采用彻底保障条款)"),
        };
        lang.pick(en, zh)
    }
}

impl Support {
    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::OfficeHours => lang.pick("Mon–Fri 9–18", "周一至周五 9–18 点"),
            Self::AroundTheClock => lang.pick("7×24", "7×24"),
        }
    }
}

impl Reason {
    /// One sentence.
    pub(crate) fn text(&self, lang: Lang, currency: &str) -> String {
        let money = |amount: &Decimal| format!("{} {currency}", grouped(*amount, 0));
        match (self, lang) {
            (Self::LossAgainstFee { loss, fee }, Lang::En) => format!(
                "Outages cost {} a month on average; the service is assumed to cost {}.",
                money(loss),
                money(fee)
            ),
            (Self::LossAgainstFee { loss, fee }, Lang::Zh) => format!(
                "故障平均每月造成损失 {};服务费用假定为 {}。",
                money(loss),
                money(fee)
            ),
            (Self::CreditsCover { collected, share }, Lang::En) => format!(
                "Credits on published terms bring back {} of it ({}).",
                money(collected),
                percent_text(*share)
            ),
            (Self::CreditsCover { collected, share }, Lang::Zh) => format!(
                "按公开条款,赔付可收回 {}({})。",
                money(collected),
                percent_text(*share)
            ),
            _ => self.demand(lang, &money),
        }
    }

    fn demand(&self, lang: Lang, money: &dyn Fn(&Decimal) -> String) -> String {
        match (self, lang) {
            (Self::Tolerance { minutes }, Lang::En) => {
                format!("An outage can be borne for {}.", lang.minutes(*minutes))
            }
            (Self::Tolerance { minutes }, Lang::Zh) => {
                format!("单次故障最长可承受 {}。", lang.minutes(*minutes))
            }
            (Self::Response { minutes }, Lang::En) => {
                format!("A human must answer within {}.", lang.minutes(*minutes))
            }
            (Self::Response { minutes }, Lang::Zh) => {
                format!("须在 {}内有人工响应。", lang.minutes(*minutes))
            }
            (Self::Events { count: 1, extra }, Lang::En) => format!(
                "There is a registered event; a minute of it costs {} more.",
                money(extra)
            ),
            (Self::Events { count, extra }, Lang::En) => format!(
                "There are {count} registered events; a minute of the largest costs {} more.",
                money(extra)
            ),
            (Self::Events { count, extra }, Lang::Zh) => format!(
                "有 {count} 场已登记活动;最重要的一场每分钟额外损失 {}。",
                money(extra)
            ),
            _ => self.shape(lang, money),
        }
    }

    fn shape(&self, lang: Lang, money: &dyn Fn(&Decimal) -> String) -> String {
        match (self, lang) {
            (Self::PeakOutsideOffice, _) => lang
                .pick(
                    "The daily peak lies outside office hours: support by calendar would sleep through it.",
                    "每日高峰在办公时间之外:按工作日历的支持会错过高峰。",
                )
                .to_owned(),
            (Self::Scale { regions, peak }, Lang::En) => format!(
                "{regions} regions and {peak} users at once need coverage lines and a declared peak of their own."
            ),
            (Self::Scale { regions, peak }, Lang::Zh) => format!(
                "{regions} 个区域、{peak} 人同时在线,需要单独的覆盖条款与申报峰值。"
            ),
            (
                Self::TargetAllowsMore {
                    target,
                    allowed_minutes,
                    tolerated,
                },
                Lang::En,
            ) => format!(
                "Even {target} allows {allowed_minutes} minutes a month, more than the {tolerated} that can be borne: only the restoration time keeps within them."
            ),
            (
                Self::TargetAllowsMore {
                    target,
                    allowed_minutes,
                    tolerated,
                },
                Lang::Zh,
            ) => format!(
                "即使 {target} 每月也允许停机 {allowed_minutes} 分钟,超过可承受的 {tolerated} 分钟:只有恢复时限才能保证。"
            ),
            (Self::IndependentRegions { saved }, Lang::En) => format!(
                "Independent regions would save {} a month: ask how far a fault can spread.",
                money(saved)
            ),
            (Self::IndependentRegions { saved }, Lang::Zh) => format!(
                "区域相互独立每月可减少损失 {}:请询问故障的影响范围。",
                money(saved)
            ),
            _ => lang
                .pick(
                    "A longer term changes nothing of the monthly loss: take it for a fixed price and included updates only.",
                    "更长的合同期不会减少每月损失:仅在能锁定价格并包含更新时才值得选择。",
                )
                .to_owned(),
        }
    }
}
