//! What an offer does not say, and what to ask because of it.

use serde::Serialize;

use super::terms::{CreditForm, DecidedBy, Fee, Grade, Offer, Window};
use super::words::Lang;
use crate::severity::Severity;

/// Something that is missing, weak, or against the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// No availability is promised.
    Target,
    /// No credits are known.
    Credits,
    /// No time to restore service.
    Restoration,
    /// A missed restoration costs the vendor nothing.
    RestorationCredit,
    /// A missed restoration is paid for, but how much was not found.
    RestorationAmount,
    /// No time to a first human answer.
    Response,
    /// A missed answer costs the vendor nothing.
    ResponseCredit,
    /// A credit must be claimed.
    Automatic,
    /// In how many days, was not found.
    ClaimWindow,
    /// The vendor decides alone.
    VendorDecides,
    /// Who decides was not found.
    WhoDecides,
    /// Load above some bound does not count.
    Surge,
    /// Short outages do not count.
    MinimumRun,
    /// How downtime is counted was not found.
    Counting,
    /// Credits are vouchers.
    Voucher,
    /// In which form credits come was not found.
    Form,
    /// The cap was not found.
    Cap,
    /// When support answers was not found.
    Support,
    /// Nothing about updates and generations.
    Updates,
    /// For how long the terms are fixed was not found.
    Term,
    /// No price is known here.
    Fee,
    /// The facts are second-hand, partial or not there.
    Evidence,
}

impl Gap {
    /// Whether this is a promise that is missing, and not just a question.
    #[must_use]
    pub const fn is_not_promised(self) -> bool {
        matches!(
            self,
            Self::Target
                | Self::Credits
                | Self::Restoration
                | Self::RestorationCredit
                | Self::Response
                | Self::ResponseCredit
                | Self::Automatic
                | Self::WhoDecides
                | Self::VendorDecides
                | Self::Updates
                | Self::Term
        )
    }

    /// In a few words.
    #[must_use]
    pub const fn label(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Target => ("availability", "可用率"),
            Self::Credits => ("credits", "赔付"),
            Self::Restoration => ("restoration time", "恢复时限"),
            Self::RestorationCredit => ("credit for late restoration", "恢复超时的赔付"),
            Self::RestorationAmount => ("amount for late restoration", "恢复超时的赔付金额"),
            Self::Response => ("response time", "响应时限"),
            Self::ResponseCredit => ("credit for late response", "响应超时的赔付"),
            Self::Automatic => ("credits without a claim", "免申请赔付"),
            Self::ClaimWindow => ("claim window", "申请期限"),
            Self::VendorDecides => ("records the buyer can check", "客户可核验的记录"),
            Self::WhoDecides => ("who decides", "由谁判定"),
            Self::Surge => ("load at surges", "突发流量期间"),
            Self::MinimumRun => ("short outages", "短时故障"),
            Self::Counting => ("how downtime is counted", "停机如何计量"),
            Self::Voucher => ("credits in money", "现金赔付"),
            Self::Form => ("form of credits", "赔付形式"),
            Self::Cap => ("cap of credits", "赔付上限"),
            Self::Support => ("support hours", "支持时间"),
            Self::Updates => ("updates and generations", "更新与换代"),
            Self::Term => ("fixed term", "条款固定期限"),
            Self::Fee => ("price", "价格"),
            Self::Evidence => ("first-hand text", "一手文本"),
        };
        lang.pick(en, zh)
    }

    /// The question to the vendor.
    #[must_use]
    pub const fn question(self, lang: Lang) -> &'static str {
        let (en, zh) = self.questions();
        lang.pick(en, zh)
    }

    const fn questions(self) -> (&'static str, &'static str) {
        match self {
            Self::Target => (
                "Which availability do you promise per month, for which parts of the service and in which regions?",
                "每月承诺的可用率是多少?覆盖哪些功能和哪些区域?",
            ),
            Self::Credits => (
                "What do you pay back when the target is missed, at which levels?",
                "未达标时赔付多少?各档位如何划分?",
            ),
            Self::Restoration => (
                "Within which time is service restored at each severity, and from when does the clock run?",
                "各级故障多久恢复?从何时开始计时?",
            ),
            Self::RestorationCredit => (
                "What do you pay when service is restored later than promised?",
                "恢复超出承诺时间时赔付多少?",
            ),
            Self::RestorationAmount => (
                "A late restoration is credited: with how much of the fee?",
                "恢复超时可获赔付:占费用的多少?",
            ),
            Self::Response => (
                "Within which time does a human answer at each severity?",
                "各级故障多久有人工响应?",
            ),
            Self::ResponseCredit => (
                "What do you pay when the first human answer comes late?",
                "首次人工响应超时时赔付多少?",
            ),
            Self::Automatic => (
                "Can credits be paid without a claim, from your own measurement?",
                "能否依据测量结果自动赔付,无需申请?",
            ),
            Self::ClaimWindow => (
                "Within how many days must a claim be filed, and with which proof?",
                "须在多少天内提出申请?需要哪些证明?",
            ),
            Self::VendorDecides => (
                "Your records are final: which of them may we see and check ourselves?",
                "贵方记录为准:我们可以查看并自行核验哪些记录?",
            ),
            Self::WhoDecides => (
                "Who decides whether a month missed its target and how severe an incident was: you, or records that both can check?",
                "当月是否达标、故障级别由谁判定:由贵方,还是依据双方可核验的记录?",
            ),
            Self::Surge => (
                "Our peak is known beforehand: will outages during it count?",
                "我们的高峰可以提前告知:高峰期间的故障是否计入?",
            ),
            Self::MinimumRun => (
                "Will you count outages that are shorter than the minimum run?",
                "短于最短持续时间的故障能否计入?",
            ),
            Self::Counting => (
                "How exactly is downtime counted: by users, by requests, in slices of which length?",
                "停机如何计量:按用户、按请求,还是按多长的时间片?",
            ),
            Self::Voucher => (
                "Can credits be paid in money instead of vouchers?",
                "赔付能否为现金而非代金券?",
            ),
            Self::Form => (
                "Are credits money, a deduction, or vouchers, and do they expire?",
                "赔付是现金、抵扣还是代金券?是否会过期?",
            ),
            Self::Cap => (
                "What is the most that is paid back per month and per year?",
                "每月和每年的赔付上限是多少?",
            ),
            Self::Support => (
                "When does support answer, in which languages and zones, and who is our named contact?",
                "支持团队的服务时间、语言和时区?谁是指定联系人?",
            ),
            Self::Updates => (
                "Are updates and the next product generation included, and for how long is the present one supported?",
                "是否包含更新和下一代产品?当前一代支持到何时?",
            ),
            Self::Term => (
                "For how long are price and service level fixed, and may you change them on your own?",
                "价格与服务等级固定多久?贵方能否单方变更?",
            ),
            Self::Fee => (
                "What does this scale cost per month, all included?",
                "按此规模每月总费用是多少?",
            ),
            Self::Evidence => (
                "Please send the service-level text that would be part of our contract.",
                "请提供将写入合同的服务等级文本。",
            ),
        }
    }
}

/// All gaps of an offer, in the order of [`Gap`].
pub(crate) fn of(offer: &Offer) -> Vec<Gap> {
    let mut gaps = promises(offer);
    let counting = offer.counting.unwrap_or_default();
    let found = |gap, missing: bool| missing.then_some(gap);
    let credits = offer.credits.is_some();
    gaps.extend(
        [
            found(Gap::Automatic, credits && !offer.claim.automatic),
            found(
                Gap::ClaimWindow,
                credits && !offer.claim.automatic && offer.claim.window_days.is_none(),
            ),
            found(
                Gap::VendorDecides,
                offer.decided_by == Some(DecidedBy::Vendor),
            ),
            found(Gap::WhoDecides, offer.decided_by.is_none()),
            found(Gap::Surge, offer.surge.is_some()),
            found(Gap::MinimumRun, counting.min_run_minutes.is_some()),
            found(
                Gap::Counting,
                offer.counting.is_none() && offer.target.is_some(),
            ),
            found(Gap::Voucher, offer.claim.form == Some(CreditForm::Voucher)),
            found(Gap::Form, credits && offer.claim.form.is_none()),
            found(Gap::Cap, credits && offer.cap.is_none()),
            found(Gap::Support, offer.support_hours.is_none()),
            found(Gap::Updates, offer.updates.is_none()),
            found(Gap::Term, offer.term_months.is_none()),
            found(
                Gap::Fee,
                offer.fee.is_none_or(|f| f == Fee::PerMonth(0.into())),
            ),
            found(
                Gap::Evidence,
                offer.grade != Grade::V || offer.grade_note.is_some(),
            ),
        ]
        .into_iter()
        .flatten(),
    );
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}

fn promises(offer: &Offer) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if offer.target.is_none() {
        gaps.push(Gap::Target);
    }
    if offer.credits.is_none() {
        gaps.push(Gap::Credits);
    }
    match offer.restoration.get(&Severity::S1) {
        None => gaps.push(Gap::Restoration),
        Some(Window {
            credited: false, ..
        }) => gaps.push(Gap::RestorationCredit),
        Some(Window { credit: None, .. }) => gaps.push(Gap::RestorationAmount),
        Some(_) => {}
    }
    match offer.response.get(&Severity::S1) {
        None => gaps.push(Gap::Response),
        Some(window) if !window.credited => gaps.push(Gap::ResponseCredit),
        Some(_) => {}
    }
    gaps
}
