use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::Record;
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::contract::policy::{Effect, OnUpgrade};
use surecast_guarantee::module::Module;
use surecast_guarantee::rollup::RollupTable;
use surecast_guarantee::rollup::experience::ExperienceTable;
use surecast_guarantee::settlement::{
    self, BreachedClock, ClockBreach, ConditionLine, Evidence, GenerationLine, GenerationStep,
    Inputs,
};
use surecast_guarantee::severity::Severity;

use typst::layout::{Frame, FrameItem};

use super::*;

/// The template of a plan is a valid contract for June.
fn contract() -> Contract {
    let yaml = Plan::Entry.yaml();
    let (contract, _) = Contract::from_yaml(yaml).expect("a contract");
    contract
}

fn settled(contract: &Contract) -> Settlement {
    let period = contract.term.periods().expect("periods")[0];
    let breach = ClockBreach {
        contract: contract.id.clone(),
        incident: "INC-7".to_owned(),
        clock: BreachedClock::Restoration,
        severity: Severity::S1,
        due: period.interval.start,
    };
    let inputs = Inputs::Log {
        size: 4322,
        root: "bGVhdmVzIG9mIHRoZSBsb2cgYXJlIHdoYXQgaXQgc2F5cw==".to_owned(),
    };
    let evidence = Evidence {
        table: &RollupTable::new(),
        experiences: &ExperienceTable::default(),
        exclusions: &[],
        breaches: &[breach],
        record: &Record::default(),
        inputs: &inputs,
    };
    settlement::settle(contract, &period, &evidence, None, None).expect("settled")
}

/// Shows it as it would be after it was logged, with itself as its history.
fn shown<T>(
    contract: &Contract,
    settlement: &Settlement,
    lang: Lang,
    show: impl FnOnce(&Document<'_>) -> T,
) -> T {
    let past = Past {
        leaf: 4322,
        at: settlement.period.interval.end,
        settlement: settlement.clone(),
    };
    show(&Document {
        contract,
        settlement,
        leaf: Some(4322),
        history: &[past],
        origin: "live.example.com/log",
        lang,
    })
}

fn printed(contract: &Contract, settlement: &Settlement, lang: Lang) -> Vec<u8> {
    shown(contract, settlement, lang, |document| {
        pdf(document).expect("a document")
    })
}

/// All that can be read on the pages, without the places where lines break.
fn words(contract: &Contract, settlement: &Settlement, lang: Lang) -> String {
    fn walk(frame: &Frame, out: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Group(group) => walk(&group.frame, out),
                FrameItem::Text(text) => out.push_str(&text.text),
                _ => {}
            }
        }
    }
    let canonical = settlement.to_canonical().expect("a canonical form");
    let pages = shown(contract, settlement, lang, |document| {
        set(document, &canonical)
    });
    let mut out = String::new();
    for page in pages.expect("pages").pages {
        walk(&page.frame, &mut out);
    }
    out.retain(|c| !c.is_whitespace() && c != '\u{200b}');
    out
}

#[test]
fn the_same_statement_gives_the_same_bytes() {
    let contract = contract();
    let settlement = settled(&contract);
    for lang in [Lang::En, Lang::Zh] {
        let first = printed(&contract, &settlement, lang);
        assert!(first.starts_with(b"%PDF-") && first.trim_ascii_end().ends_with(b"%%EOF"));
        assert_eq!(first, printed(&contract, &settlement, lang));
    }
}

#[test]
fn who_signs_reads_who_what_and_how_much() {
    let contract = contract();
    let settlement = settled(&contract);
    let credit = text::money(settlement.credit, settlement.decimals);
    let credit = format!("{credit}{}", settlement.currency);
    for (lang, said) in [
        (
            Lang::En,
            ["Settlementstatement", "Creditforthisperiod", "provisional"],
        ),
        (Lang::Zh, ["服务结算单", "本期赔付金额", "暂定"]),
    ] {
        let words = words(&contract, &settlement, lang);
        let provider = contract.parties.provider.name.replace(' ', "");
        for said in said
            .iter()
            .copied()
            .chain([credit.as_str(), &provider, "4322"])
        {
            assert!(words.contains(said), "{said}: {words}");
        }
        assert!(!words.contains('□'), "{words}");
    }
}

#[test]
fn conditions_and_what_they_suspend_are_said() {
    let contract = contract();
    let mut settlement = settled(&contract);
    settlement.suspended_s = 86_400;
    let notice = settlement.period.interval.start;
    let effects = [Effect::Notify, Effect::Exclude, Effect::SuspendCredits];
    settlement.conditions = (0..)
        .zip(effects)
        .zip(["min_spend", "frozen_config", "declared_peak"])
        .map(|((condition, effect), requires)| ConditionLine {
            condition,
            requires: requires.to_owned(),
            effect,
            leaf: 17,
            notice,
            cure_until: notice,
            cured: (effect == Effect::Notify).then_some(notice),
            lapsed_s: 60,
            modules: vec![Module::Media],
        })
        .collect();
    settlement.generations = vec![
        GenerationLine {
            leaf: 18,
            generation: "2".to_owned(),
            step: GenerationStep::Upgraded,
            from: Some(notice),
            on_upgrade: Some(OnUpgrade::RestartTerm),
            unsupported_s: 0,
            refused: None,
        },
        GenerationLine {
            leaf: 19,
            generation: "1".to_owned(),
            step: GenerationStep::SupportEnded,
            from: Some(notice),
            on_upgrade: None,
            unsupported_s: 3_600,
            refused: None,
        },
    ];
    for (lang, said) in [
        (
            Lang::En,
            [
                "thetermbeginsanew",
                "lateclockspaynothingfor3600s",
                "frozensettings",
                "creditsaresuspended",
                "86400softheperiod",
                "notcured",
            ],
        ),
        (
            Lang::Zh,
            [
                "合同期限重新开始",
                "有3600秒超时不予赔付",
                "冻结配置",
                "暂停赔付",
                "86400秒",
                "未整改",
            ],
        ),
    ] {
        let words = words(&contract, &settlement, lang);
        for said in said {
            assert!(words.contains(said), "{said}: {words}");
        }
    }
}

#[test]
fn hostile_names_are_set_as_they_are() {
    let mut contract = contract();
    let hostile = format!(
        "#panic(\"x\") $ * _ @a <b> \\ \u{202e}\u{1f600}\u{0} {}",
        "x".repeat(300)
    );
    contract.parties.provider.name.clone_from(&hostile);
    contract.parties.customer.name = "#read(\"/etc/passwd\")".to_owned();
    let mut settlement = settled(&contract);
    settlement.reason = Some(hostile.clone());
    settlement.breaches[0].incident = hostile;
    for lang in [Lang::En, Lang::Zh] {
        assert!(printed(&contract, &settlement, lang).starts_with(b"%PDF-"));
        let words = words(&contract, &settlement, lang);
        for said in ["#panic(\"x\")$*_@a<b>\\□□", "#read(\"/etc/passwd\")"] {
            assert!(words.contains(said), "{said}: {words}");
        }
    }
}

#[test]
fn a_statement_of_another_contract_is_refused() {
    let contract = contract();
    let settlement = settled(&contract);
    let mut other = contract;
    other.version += 1;
    let refused = pdf(&Document {
        contract: &other,
        settlement: &settlement,
        leaf: None,
        history: &[],
        origin: "live.example.com/log",
        lang: Lang::En,
    });
    assert!(matches!(refused, Err(PdfError::OtherContract { .. })));
}
