//! `surecast offers compare|advise|list|show`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::offer::{
    self, BuyerNeed, Comparison, Lang, Offer, document, market, report,
};

use super::{Failure, print};

#[derive(Debug, Subcommand)]
pub(super) enum OffersCommand {
    /// Compare what offers cost a buyer: fees, outages, and what credits bring back.
    Compare(CompareArgs),
    /// Find the service level that a need asks for, with the numbers behind it.
    Advise(AdviseArgs),
    /// List the built-in offers: published promises, with their grade of evidence.
    List(ListArgs),
    /// Show all that is known of an offer.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The buyer's need, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    need: PathBuf,
    /// Offers: ids of built-in ones, our plans (`surecast contract plans`), YAML or JSON
    /// files, `*.contract.yaml` files [default: all built-in ones].
    #[arg(value_name = "OFFER")]
    offers: Vec<String>,
    /// Seed of the draws: the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many terms are drawn.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    runs: u32,
    /// Also write a page with plots.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct AdviseArgs {
    /// The buyer's need, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    need: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A built-in offer's id, one of our plans, or a file.
    #[arg(value_name = "OFFER")]
    offer: String,
    /// Currency in which a contract's amounts are expected.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Output {
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Language of texts and pages.
    #[arg(long, value_name = "LANG", value_enum, default_value = "en")]
    lang: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Zh => Self::Zh,
        }
    }
}

impl OffersCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Compare(args) => args.run(),
            Self::Advise(args) => {
                let advice = offer::advise(&need(&args.need)?);
                args.output
                    .write(&advice, |lang| report::advice_text(&advice, lang))
            }
            Self::List(args) => {
                let offers = built_in()?;
                args.output
                    .write(&offers, |lang| report::offers_text(&offers, lang))
            }
            Self::Show(args) => {
                let offer = find(&args.offer, &built_in()?, &args.currency)?;
                args.output
                    .write(&offer, |lang| report::offer_text(&offer, lang))
            }
        }
    }
}

impl CompareArgs {
    fn run(&self) -> Result<(), Failure> {
        let need = need(&self.need)?;
        let known = built_in()?;
        let offers = if self.offers.is_empty() {
            known
        } else {
            let each = self
                .offers
                .iter()
                .map(|name| find(name, &known, need.currency.code()));
            each.collect::<Result<_, _>>()?
        };
        let compared = offer::compare(&need, &offers, self.seed, self.runs)
            .map_err(|error| Failure::Call(error.to_string()))?;
        if let Some(file) = &self.html {
            write_page(file, &compared, self.output.lang.into())?;
        }
        self.output
            .write(&compared, |lang| report::comparison_text(&compared, lang))
    }
}

impl Output {
    fn write<T: serde::Serialize>(
        &self,
        value: &T,
        text: impl Fn(Lang) -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return print(&text(self.lang.into()));
        }
        let json = serde_json::to_string_pretty(value).context("cannot write JSON")?;
        print(&(json + "\n"))
    }
}

fn write_page(path: &Path, compared: &Comparison, lang: Lang) -> Result<(), Failure> {
    let page = offer::page(compared, lang);
    let mut file =
        File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let written = file.write_all(page.as_bytes());
    Ok(written.with_context(|| format!("cannot write {}", path.display()))?)
}

fn built_in() -> Result<Vec<Offer>, Failure> {
    market::offers().map_err(|error| Failure::Work(anyhow::anyhow!(error)))
}

fn need(path: &Path) -> Result<BuyerNeed, Failure> {
    let text = read(path)?;
    BuyerNeed::read(&path.display().to_string(), &text)
        .map_err(|error| Failure::Call(error.to_string()))
}

/// A built-in offer, a plan of ours, or else a file: a file's name has a dot or a
/// slash, which an id cannot have.
fn find(name: &str, known: &[Offer], currency: &str) -> Result<Offer, Failure> {
    if let Some(offer) = known.iter().find(|offer| offer.id.as_str() == name) {
        return Ok(offer.clone());
    }
    if let Some(plan) = Plan::ALL.into_iter().find(|plan| plan.name() == name) {
        let template = of_contract(name, plan.yaml(), currency);
        return template.map_err(|failure| {
            Failure::Call(format!(
                "{failure}; `surecast contract new {name}` prints one to change"
            ))
        });
    }
    let path = Path::new(name);
    if name.contains(['.', '/', '\\']) || path.exists() {
        let text = read(path)?;
        if name.ends_with(".contract.yaml") {
            return of_contract(name, &text, currency);
        }
        return Offer::read(name, &text).map_err(|error| Failure::Call(error.to_string()));
    }
    let plans = Plan::ALL.iter().map(|plan| plan.name());
    let ids: Vec<&str> = known.iter().map(|offer| offer.id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().chain(plans).collect();
    let hint = match document::nearest(name, &ids) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`surecast offers list` shows all; a file is named with its ending".to_owned(),
    };
    Err(Failure::Call(format!("no offer `{name}`; {hint}")))
}

fn of_contract(name: &str, yaml: &str, currency: &str) -> Result<Offer, Failure> {
    let (contract, _) = Contract::from_yaml(yaml).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|p| format!("{name}:{p}")).collect();
        Failure::Call(lines.join("\n"))
    })?;
    Offer::of_contract(&contract, currency)
        .map_err(|error| Failure::Call(format!("{name}: {error}")))
}

/// Reads a document, and never more than one may have.
fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |what: &str| Failure::Call(format!("cannot read {}: {what}", path.display()));
    let file = File::open(path).map_err(|error| wrong(&error.to_string()))?;
    let mut text = String::new();
    let most = document::MAX_BYTES as u64 + 1;
    file.take(most)
        .read_to_string(&mut text)
        .map_err(|error| wrong(&error.to_string()))?;
    if text.len() > document::MAX_BYTES {
        let most = document::MAX_BYTES;
        return Err(wrong(&format!("it has more than {most} bytes")));
    }
    Ok(text)
}
